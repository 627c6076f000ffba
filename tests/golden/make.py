"""Writes golden bytes of every layout that users' and entities' state can have. Run: python -m tests.golden.make

A file that exists is never written again: it stands for states that were saved by that version of the program and must
be read for ever. A new layout adds a file; a changed one is a new layout.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.udfs.engines import engine_over, logs_of
from udfs.account_history import AccountHistory
from udfs.baseline import Dealings, Habits
from udfs.entity_buckets import BucketRow, Entity, EntityKind
from udfs.entity_counter import CountingSettings, EntityCounter, EntityCounts
from udfs.entity_deltas import Judged, Paid, SeenTransaction, Verdict, encode_delta, encode_seen
from udfs.entity_log import encode_snapshot as encode_entity_snapshot
from udfs.entries import AccountEntry, FlagEntry, LabelEntry, LoginEntry, TransactionEntry, ZoneEntry, encode_entry
from udfs.events import AccountChange, Label, Login, Transaction
from udfs.profiles import UserProfile
from udfs.snapshot import encode_snapshot
from udfs.stores.port import CompleteThrough
from udfs.sums import Sums
from udfs.user_state_settings import UserStateSettings

FOLDER = Path(__file__).parent
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z

FULL_TRANSACTION = TransactionEntry(
    sequence=70_000, transaction_id="~T-1!", timestamp_ms=START, remembered_ms=START + DAY, late=False, minor=10**16,
    refund=True, declined=True, night=True, merchant_id="M1", category="6011", device_id="D1", country="DE", city="Köln 😀",
    ip_address="2001:db8::1", beneficiary_id="B1", latitude=-52.52, longitude=179.999,
)  # fmt: skip
BARE_TRANSACTION = TransactionEntry(
    sequence=1, transaction_id="1", timestamp_ms=0, remembered_ms=0, late=True, minor=0, refund=False, declined=False,
    night=False, merchant_id=None, category=None, device_id=None, country=None, city=None, ip_address=None,
    beneficiary_id=None, latitude=None, longitude=None,
)  # fmt: skip
LOGIN = LoginEntry(
    sequence=2, event_id="E1", timestamp_ms=START, remembered_ms=START + 1, success=False, device_id="D1", city="Rome"
)
BARE_LOGIN = LoginEntry(
    sequence=3, event_id="E2", timestamp_ms=START, remembered_ms=START, success=None, device_id=None, city=None
)
ACCOUNT = AccountEntry(sequence=4, event_id="C1", timestamp_ms=START, remembered_ms=START, unblocked=True)
LABEL = LabelEntry(sequence=5, transaction_id="T1", known_at_ms=START + 7 * DAY, is_fraud=True)
ZONE = ZoneEntry(sequence=6, timezone="Asia/Kolkata")
NO_ZONE = ZoneEntry(sequence=7, timezone=None)
FLAGS = FlagEntry(sequence=8, day=START // DAY, kinds=("AML", "KYC"))
FLAG_DAYS = {"AML": (START // DAY, 0b101), "PCI": (START // DAY - 1, 1)}


def full_snapshot() -> tuple[int, int, Habits, AccountHistory, TransactionEntry | None]:
    """Every part of a user, with squares of more than 64 bits."""
    habits = Habits()
    habits.lifetime = Sums(3, 3 * 10**16, 3 * 10**32)
    habits.peak = 10**16
    habits.first_ms = START - 400 * DAY
    habits.night_count = 2
    habits.newest_day = START // DAY
    habits.days = {START // DAY - 1: Sums(1, 5, 25), START // DAY: Sums(2, 10**16, 10**32 + 7)}
    habits.devices = {"D1": START, "D2": 0}
    habits.countries = {"DE": START}
    habits.cities = {"Köln 😀": START}
    habits.merchants = {"M2": START, "M1": START + 1}
    habits.categories = {"6011": START}
    habits.ip_addresses = {"2001:db8::1": START}
    habits.beneficiaries = {"B1": START}
    account = AccountHistory()
    account.restore_logins([LOGIN, BARE_LOGIN])
    account.login_times = [LOGIN.timestamp_ms, BARE_LOGIN.timestamp_ms]
    account.unblocked_ms = [START - DAY, START]
    account.restore_labels({"T1": (START + 7 * DAY, True), "T0": (START, False)})
    return 70_001, START + DAY, habits, account, FULL_TRANSACTION


def habits_of_layout_3() -> Habits:
    """With sums by category and dealings by merchant, some of more than 64 bits."""
    habits = full_snapshot()[2]
    habits.category_sums = {"6011": Sums(3, 10**20)}
    habits.category_total = 10**20
    habits.merchant_dealings = {"M2": Dealings(10**20, 7, 1), "M1": Dealings(5)}
    return habits


def whole_user() -> bytes:
    """[snapshot, [entries]] of a user with all kinds of events, who was compacted and has a tail beyond the snapshot."""
    logs = logs_of("U1")
    engine = engine_over(
        logs,
        state=UserStateSettings(snapshot_every=4, compact_slack=2),
        records={"user:U1": UserProfile(user_id="U1", home_country="DE")},
    )
    events: list[Transaction | Login | AccountChange | Label] = [
        Transaction(transaction_id=f"T{day}", user_id="U1", timestamp=START + day * DAY, amount=10.0 * (day + 1),
                    merchant_id=f"M{day % 3}", device_id="D1", country="DE", city="Bonn", latitude=50.7, longitude=7.1)
        for day in range(12)
    ]  # fmt: skip
    now = START + 11 * DAY
    events += [
        Login(event_id="E1", user_id="U1", timestamp=now + MINUTE, success=False, city="Bonn", device_id="D1"),
        Login(event_id="E2", user_id="U1", timestamp=now + 2 * MINUTE, success=True, city="Rome", device_id="D2"),
        AccountChange(event_id="C1", user_id="U1", timestamp=now + 3 * MINUTE, old_status="blocked", new_status="active"),
        *(
            Label(event_id=f"L{day}", transaction_id=f"T{day}", user_id="U1", timestamp=START + day * DAY,
                  known_at=now + 4 * MINUTE, is_fraud=day % 4 == 0)
            for day in range(9)
        ),
        Transaction(transaction_id="N1", user_id="U1", timestamp=now + 5 * MINUTE, amount=0.5, auth_result="declined",
                    merchant_id="M9", device_id="D2", country="IT", city="Rome"),
        Transaction(transaction_id="N2", user_id="U1", timestamp=now + 4 * MINUTE, amount=7.25, kind="refund",
                    merchant_id="M0", device_id="D1", country="DE"),
    ]  # fmt: skip
    for event in events:
        if isinstance(event, Transaction):
            observation = engine.observe(event)
            assert observation is not None
            engine.commit(observation)
        elif isinstance(event, Login):
            engine.record_login(event)
        elif isinstance(event, AccountChange):
            engine.record_change(event)
        else:
            engine.record_label(event)
    return msgspec.msgpack.encode([logs.snapshot(), list(logs.entries())])


def _snapshot_3() -> bytes:
    sequence, newest_ms, _, account, before = full_snapshot()
    habits = habits_of_layout_3()
    return encode_snapshot(sequence, newest_ms, habits, account, before, account.logins, ZONE.timezone, FLAG_DAYS)


SEEN = SeenTransaction(
    START,
    (Entity("merchant", "M1"), Entity("ip", "::1 (nat)")),
    (Entity("category_hour", "5411|23"), Entity("attribute", "job=Köln 😀")),
    START + DAY,
    (START, START + DAY),
)


def entity_counts(kind: EntityKind = "device") -> EntityCounts:
    """Merged and single hours, users, verdicts of both kinds, a fraud that was cleared later."""
    counter, counts = EntityCounter(CountingSettings(reader_lag_ms=DAY)), EntityCounts()
    for day in range(60):
        time_ms = START + day * DAY + 5 * HOUR
        counter.add_transaction(counts, kind, f"U{day % 7}", time_ms, time_ms, 1_000 * day, 100_000 * day)
        counter.add_label(counts, f"U{day % 7}\0T{day}", START + day * DAY, START + (day + 1) * DAY, day % 3 == 0)
    counter.add_label(counts, "U2\0T51", START + 51 * DAY, START + 69 * DAY, False)
    return counts


def entity_row(entity: Entity) -> BucketRow:
    return EntityCounter(CountingSettings(reader_lag_ms=DAY)).row(entity, entity_counts(entity.kind), START)


def main() -> None:
    contents = {
        "entity_delta_2_judged": encode_delta(Judged("U1\0T1", START, START + DAY, True)),
        "entity_delta_3_paid": encode_delta(Paid("U1", START, START + MINUTE, 10**16, 32_236_191)),
        "entity_delta_4_fraud": encode_delta(Verdict(START, START + DAY, None)),
        "entity_delta_4_cleared": encode_delta(Verdict(START, START + 9 * DAY, (START, START + DAY))),
        "entity_seen_2": encode_seen(SEEN),
        "entity_snapshot_2": encode_entity_snapshot(entity_counts()),
        "entity_row_2_device": msgspec.msgpack.encode(entity_row(Entity("device", "D1"))),
        "entity_row_2_category": msgspec.msgpack.encode(entity_row(Entity("category", "5411"))),
        "complete_through_1": msgspec.msgpack.encode(CompleteThrough(2, START)),
        "snapshot_3_full": _snapshot_3(),
        "snapshot_3_empty": encode_snapshot(0, -1, Habits(), AccountHistory(), None, []),
        "entry_1_transaction": encode_entry(FULL_TRANSACTION),
        "entry_1_transaction_bare": encode_entry(BARE_TRANSACTION),
        "entry_2_login": encode_entry(LOGIN),
        "entry_2_login_bare": encode_entry(BARE_LOGIN),
        "entry_3_account": encode_entry(ACCOUNT),
        "entry_4_label": encode_entry(LABEL),
        "entry_5_zone": encode_entry(ZONE),
        "entry_5_zone_none": encode_entry(NO_ZONE),
        "entry_6_flags": encode_entry(FLAGS),
        "user_1": whole_user(),
    }
    for name, data in contents.items():
        path = FOLDER / f"{name}.bin"
        if not path.exists():
            path.write_bytes(data)
            print(f"{path.name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
