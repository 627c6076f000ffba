"""Writes golden bytes of every layout that users' and entities' state can have. Run: python -m tests.golden.make

A file that exists is never written again: it stands for states that were saved by that version of the program and must
be read for ever. A new layout adds a file; a changed one is a new layout. `entry_*` and `snapshot_*` are single parts of
users' states (tests/golden/stored_users.py says what they hold): of a new layout, add those of a user such as `whole_user`
whose events fill the new fields.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.udfs.engines import Engine
from udfs.entities.buckets import BucketRow, Entity, EntityKind
from udfs.entities.counter import CountingSettings, EntityCounter, EntityCounts
from udfs.entities.deltas import FraudDelta, LabelDelta, SeenTransaction, TransactionDelta, encode_delta, encode_seen
from udfs.entities.log import encode_snapshot as encode_entity_snapshot
from udfs.records.events import AccountChange, Label, Login, Transaction
from udfs.records.profiles import UserProfile
from udfs.state.settings import UserStateSettings
from udfs.stores.port import CompleteThrough

FOLDER = Path(__file__).parent
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def whole_user() -> bytes:
    """[snapshot, [entries]] of a user with all kinds of events, who was compacted and has a tail beyond the snapshot."""
    state = UserStateSettings(snapshot_every=4, compact_slack=2)
    engine = Engine({"user:U1": UserProfile(user_id="U1", home_country="DE")}, state=state)
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
            assert engine.pay(event) is not None
        else:
            engine.tell(event)
    return msgspec.msgpack.encode(engine.stored())


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
        "entity_delta_2_judged": encode_delta(LabelDelta("U1\0T1", START, START + DAY, True)),
        "entity_delta_3_paid": encode_delta(TransactionDelta("U1", START, START + MINUTE, 10**16, 32_236_191)),
        "entity_delta_4_fraud": encode_delta(FraudDelta(START, START + DAY, None)),
        "entity_delta_4_cleared": encode_delta(FraudDelta(START, START + 9 * DAY, (START, START + DAY))),
        "entity_seen_2": encode_seen(SEEN),
        "entity_snapshot_2": encode_entity_snapshot(entity_counts()),
        "entity_row_2_device": msgspec.msgpack.encode(entity_row(Entity("device", "D1"))),
        "entity_row_2_category": msgspec.msgpack.encode(entity_row(Entity("category", "5411"))),
        "complete_through_1": msgspec.msgpack.encode(CompleteThrough(2, START)),
        "user_1": whole_user(),
    }
    for name, data in contents.items():
        path = FOLDER / f"{name}.bin"
        if not path.exists():
            path.write_bytes(data)
            print(f"{path.name}: {len(data)} bytes")


if __name__ == "__main__":
    main()
