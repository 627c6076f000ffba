"""The user's state as bytes: old layouts are read, no byte depends on the cache, and busy users cost what quiet ones do."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.golden import make as golden
from tests.udfs.engines import engine_over, logs_of
from udfs.account_history import AccountHistory
from udfs.baseline import Habits
from udfs.entries import LogEntry, TransactionEntry, decode_entry, encode_entry
from udfs.events import AccountChange, Label, Login, Transaction
from udfs.feature_engine import FeatureEngine
from udfs.profiles import UserProfile
from udfs.snapshot import decode_snapshot, encode_snapshot
from udfs.sums import Sums
from udfs.user_log import MemoryUserLogs
from udfs.user_state import UserStates
from udfs.user_state_settings import UserStateSettings, WindowSettings

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_767_225_600_000
AS_FOUND = (Phase.explicit, Phase.reuse, Phase.generate)  # a random stream does not shrink to anything readable


def golden_bytes(name: str) -> bytes:
    return (Path(golden.__file__).parent / f"{name}.bin").read_bytes()


# -- golden bytes --------------------------------------------------------------------------------------------------------

ENTRIES: dict[str, LogEntry] = {
    "entry_1_transaction": golden.FULL_TRANSACTION,
    "entry_1_transaction_bare": golden.BARE_TRANSACTION,
    "entry_2_login": golden.LOGIN,
    "entry_2_login_bare": golden.BARE_LOGIN,
    "entry_3_account": golden.ACCOUNT,
    "entry_4_label": golden.LABEL,
    "entry_5_zone": golden.ZONE,
    "entry_5_zone_none": golden.NO_ZONE,
    "entry_6_flags": golden.FLAGS,
}


@pytest.mark.parametrize("name", ENTRIES)
def test_entries_of_every_layout_ever_written_are_read(name: str) -> None:
    entry = decode_entry(golden_bytes(name))
    assert type(entry) is type(ENTRIES[name])
    assert entry == ENTRIES[name]


def test_every_layout_of_an_entry_has_golden_bytes() -> None:
    kinds = LogEntry.__args__
    tags = {kind.__struct_config__.tag for kind in kinds}
    assert tags == {msgspec.msgpack.decode(golden_bytes(name))[0] for name in ENTRIES}


def fields_of(state: object) -> list[str]:
    """By name, whether the class is compiled or not."""
    return [name for name in dir(state) if not name.startswith("_") and not callable(getattr(state, name))]


def seen_as(habits: Habits) -> dict[str, Any]:
    return {name: getattr(habits, name) for name in fields_of(habits) if name != "rolling"}


SNAPSHOTS = ["snapshot_1_full", "snapshot_1_empty", "snapshot_2_full", "snapshot_3_full", "snapshot_3_empty"]


@pytest.mark.parametrize("name", SNAPSHOTS)
def test_snapshots_of_every_layout_ever_written_are_read(name: str) -> None:
    expected = golden.full_snapshot() if name.endswith("full") else (0, -1, Habits(), AccountHistory(), None)
    sequence, newest_ms, habits, account, before = expected
    if name == "snapshot_3_full":
        habits = golden.habits_of_layout_3()
    stored, read_habits, read_account = decode_snapshot(golden_bytes(name))
    flag_days = {kind: (newest, told) for kind, newest, told in stored.flag_days}
    assert flag_days == (golden.FLAG_DAYS if name == "snapshot_3_full" else {})
    assert (stored.sequence, stored.newest_ms, stored.before) == (sequence, newest_ms, before)
    assert stored.timezone == (golden.ZONE.timezone if name in ("snapshot_2_full", "snapshot_3_full") else None)
    assert seen_as(read_habits) == seen_as(habits)
    for known in ("devices", "merchants"):  # the order is that of the last use
        assert list(getattr(read_habits, known)) == list(getattr(habits, known))
    for part in fields_of(AccountHistory()):
        assert getattr(read_account, part) == getattr(account, part)
    assert list(read_account.labels) == list(account.labels)


@pytest.mark.parametrize("name", ["snapshot_3_full", "snapshot_3_empty"])
def test_the_current_layout_is_written_as_the_golden_bytes_are(name: str) -> None:
    """A change of what is written is a new layout with a new tag, else states of both kinds look the same."""
    stored, habits, account = decode_snapshot(golden_bytes(name))
    flag_days = {kind: (newest, told) for kind, newest, told in stored.flag_days}
    again = encode_snapshot(
        stored.sequence, stored.newest_ms, habits, account, stored.before, account.logins, stored.timezone, flag_days
    )
    assert again == golden_bytes(name)


@pytest.mark.parametrize("name", ENTRIES)
def test_entries_are_written_as_the_golden_bytes_are(name: str) -> None:
    assert encode_entry(ENTRIES[name]) == golden_bytes(name)


def restored_user() -> tuple[FeatureEngine, MemoryUserLogs]:
    snapshot, entries = msgspec.msgpack.decode(golden_bytes("user_1"), type=tuple[bytes, list[bytes]])
    logs = logs_of("U1")
    logs.save_snapshot(snapshot)
    logs.replace(entries)
    return engine_over(logs, records={"user:U1": UserProfile(user_id="U1", home_country="DE")}), logs


def test_a_whole_user_saved_by_the_first_version_scores_as_then() -> None:
    """days 0 to 11: 10, 20, ... 120 .. 1 min: failed login .. 2: login .. 3: unblocked .. 5: declined 0.50 .. 4: refunded"""
    engine, _ = restored_user()
    now = START + 11 * DAY + 6 * MINUTE
    observation = engine.observe(
        Transaction(
            transaction_id="new",
            user_id="U1",
            timestamp=now,
            amount=100.0,
            merchant_id="M9",
            device_id="D3",
            country="FR",
        )
    )
    assert observation is not None
    expected = {
        "txn_count_5m": 3.0, "amount_sum_5m": 107.75, "txn_count_1h": 4.0, "amount_sum_1h": 227.75, "txn_count_1d": 4.0,
        "max_amount_1d": 120.0, "distinct_merchants_1d": 4.0 - 1.0, "distinct_countries_1d": 3.0,
        "foreign_country_count_1d": 2.0, "declined_count_1d": 1.0, "refund_count_1d": 1.0, "refund_sum_1d": 7.25,
        "user_txn_count": 14.0, "user_avg_amount": (780 + 7.75) / 14, "user_max_amount": 120.0,
        "user_days_known": 11 + 6 / 1440, "user_txn_count_7d": 9.0, "user_avg_amount_7d": (630 + 7.75) / 9,
        "user_txn_count_30d": 14.0, "is_new_device": 1.0, "known_device_count": 2.0, "is_new_merchant": 0.0,
        "is_new_country": 1.0, "country_changed": 1.0, "seconds_since_last": 60.0, "amount_vs_last": 200.0,
        "failed_logins_1h": 1.0, "minutes_since_login": 4.0, "login_city_changed": 1.0, "login_device_differs": 1.0,
        "prior_fraud_count": 3.0, "days_since_unblock": 3 / 1440, "user_night_share": 1.0,
    }  # fmt: skip
    assert {name: observation.features[name] for name in expected} == pytest.approx(expected)


def test_a_whole_user_saved_by_the_first_version_knows_its_ids() -> None:
    engine, logs = restored_user()
    before = (logs.snapshot(), tuple(logs.entries()))
    for known in ("T10", "T11", "N1", "N2"):
        again = Transaction(transaction_id=known, user_id="U1", timestamp=START + 11 * DAY, amount=1.0)
        assert engine.observe(again) is None, known
    assert not engine.record_change(AccountChange(event_id="C1", user_id="U1", timestamp=START + 11 * DAY))
    engine.record_login(Login(event_id="E1", user_id="U1", timestamp=START + 11 * DAY))
    assert (logs.snapshot(), tuple(logs.entries())) == before


# -- bytes that are not ours ---------------------------------------------------------------------------------------------


def of_a_later_version(data: bytes, tag: int) -> bytes:
    return msgspec.msgpack.encode([tag, *msgspec.msgpack.decode(data)[1:], "a field of then"])


def test_a_layout_of_a_later_version_is_refused_with_its_number_and_never_read_as_nothing() -> None:
    with pytest.raises(msgspec.ValidationError, match="9"):
        decode_entry(of_a_later_version(golden_bytes("entry_1_transaction"), 9))
    snapshot = of_a_later_version(golden_bytes("snapshot_1_full"), 9)
    with pytest.raises(msgspec.ValidationError, match="9"):
        decode_snapshot(snapshot)
    logs = logs_of("U1")
    logs.save_snapshot(snapshot)
    engine = engine_over(logs)
    for _ in range(2):
        with pytest.raises(msgspec.ValidationError, match="9"):
            engine.observe(Transaction(transaction_id="T", user_id="U1", timestamp=START, amount=1.0))


@pytest.mark.parametrize("name", ["snapshot_1_full", "entry_1_transaction", "entry_2_login", "entry_4_label"])
def test_cut_bytes_are_an_error_wherever_they_are_cut(name: str) -> None:
    data = golden_bytes(name)
    decode: Any = decode_snapshot if name.startswith("snapshot") else decode_entry
    for end in range(len(data)):
        with pytest.raises(msgspec.MsgspecError):
            decode(data[:end])


EXTREMES = {
    "nothing": (0, 0, 0),
    "62 bits of squares": (1, 1, 2**62 - 1),
    "63 bits of squares": (1, 1, 2**62),
    "64 bits": (2**40, 2**64 - 1, 2**64 - 1),
    "10,000 payments of 10^12": (10**4, 10**4 * 10**14, 10**4 * 10**28),
    "a million payments of 10^12 with two digits": (10**6, 10**6 * 10**14, 10**6 * 10**28),
    "a million payments of 10^12 with four digits": (10**6, 10**6 * 10**16, 10**6 * 10**32),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_sums_of_any_size_come_back_exactly(name: str) -> None:
    count, total, squares = EXTREMES[name]
    habits = Habits()
    habits.lifetime = Sums(count, total, squares)
    habits.peak = total // max(1, count)
    habits.days = {20_454: Sums(count, total, squares)}
    _, read, _ = decode_snapshot(encode_snapshot(1, START, habits, AccountHistory(), None, []))
    assert seen_as(read) == seen_as(habits)


# -- the cache changes nothing -------------------------------------------------------------------------------------------

SMALL = UserStateSettings(
    cached_users=2, snapshot_every=3, snapshot_after_ms=DAY, compact_slack=3, windows=WindowSettings(forget_batch=2)
)
Event = Transaction | Login | AccountChange | Label


def random_stream(draw: random.Random, count: int, users: int) -> list[Event]:
    """Several users' events in order of arrival: bursts, pauses, late and very late ones, repeats, many labels."""
    events: list[Event] = []
    now = START
    share = draw.choice([(0.3, 0.1, 0.2), (0.05, 0.05, 0.7), (0.6, 0.05, 0.1), (0.02, 0.02, 0.02)])
    pace = draw.choice([1_000, MINUTE, HOUR, 6 * HOUR])
    for number in range(count):
        now += int(draw.expovariate(1 / pace))
        if draw.random() < 0.02:
            now += draw.choice([2 * DAY, 2 * DAY + 1, 8 * DAY, 40 * DAY])
        time = now - draw.choice([0, 0, 0, 0, draw.randint(0, DAY), draw.randint(0, 3 * DAY)])
        time = max(time, START - 4 * DAY)
        user = f"U{int(draw.random() ** 2 * users)}"
        kind = draw.random()
        if kind < share[0]:
            events.append(
                Login(event_id=f"L{draw.randint(0, number)}", user_id=user, timestamp=time, success=draw.random() < 0.5,
                      device_id=draw.choice(["d1", "d2"]), city=draw.choice(["Bonn", "Rome"]))
            )  # fmt: skip
        elif kind < share[0] + share[1]:
            events.append(
                AccountChange(event_id=f"C{draw.randint(0, number)}", user_id=user, timestamp=time, old_status="blocked",
                              new_status="active")
            )  # fmt: skip
        elif kind < sum(share):
            events.append(
                Label(event_id=f"J{number}", transaction_id=f"T{draw.randint(0, number)}", user_id=user, timestamp=time,
                      known_at=max(time, now), is_fraud=draw.random() < 0.5)
            )  # fmt: skip
        else:
            again = draw.random() < 0.15
            events.append(
                Transaction(
                    transaction_id=f"T{draw.randint(0, number) if again else number}", user_id=user, timestamp=time,
                    amount=draw.choice([0.0, 0.01, 12.5, 999.99, 1e9]), kind=draw.choice(["purchase", "refund"]),
                    auth_result=draw.choice([None, "declined"]), merchant_id=f"m{draw.randint(0, 80)}",
                    merchant_category=f"c{draw.randint(0, 40)}", device_id=draw.choice([None, f"d{draw.randint(0, 20)}"]),
                    ip_address=f"i{draw.randint(0, 20)}", city=f"t{draw.randint(0, 20)}",
                    country=draw.choice(["DE", "FR", None, f"x{draw.randint(0, 10)}"]), latitude=draw.uniform(-90, 90),
                    longitude=draw.uniform(-180, 180), beneficiary_id=f"b{draw.randint(0, 40)}",
                )
            )  # fmt: skip
    return events


def outcome(engine: FeatureEngine, logs: MemoryUserLogs, event: Event) -> bytes:
    """What a decision would rest on, as bytes."""
    logs.key = event.user_id
    if isinstance(event, Transaction):
        observation = engine.observe(event)
        if observation is None:
            return b"duplicate"
        engine.commit(observation)
        return msgspec.json.encode([observation.entry.late, observation.features])
    if isinstance(event, Login):
        engine.record_login(event)
    elif isinstance(event, Label):
        engine.record_label(event)
    else:
        return b"recorded" if engine.record_change(event) else b"duplicate"
    return b""


PROFILES: dict[str, Any] = {"user:U0": UserProfile(user_id="U0", home_country="DE", timezone="Asia/Kathmandu")}


def compare(draw: random.Random, events: list[Event], state: UserStateSettings, disturbance: float) -> None:
    """One engine that never forgets against one that is disturbed all the time; then both from cold."""
    steady_logs, logs = MemoryUserLogs(), MemoryUserLogs()
    steady = engine_over(steady_logs, records=PROFILES)
    engine = engine_over(logs, records=PROFILES, state=state)
    for number, event in enumerate(events):
        assert outcome(engine, logs, event) == outcome(steady, steady_logs, event), (number, event)
        chance = draw.random()
        if chance < disturbance:
            engine.states.evict_all()
        elif chance < 1.5 * disturbance:
            engine.states.evict(event.user_id)
        elif chance < 2 * disturbance:
            engine = engine_over(logs, records=PROFILES, state=state)
    steady.states.evict_all()
    engine.states.evict_all()
    last = max(event.timestamp for event in events)
    for user in sorted({event.user_id for event in events}):
        for time in (last + 1, last - HOUR, last - 23 * HOUR, last + 3 * DAY):
            probe = Transaction(
                transaction_id=f"probe {time}", user_id=user, timestamp=time, amount=1.0, device_id="d1"
            )
            assert outcome(engine, logs, probe) == outcome(steady, steady_logs, probe)


@settings(max_examples=40, deadline=None, phases=AS_FOUND)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.5]))
def test_evictions_compactions_and_restores_change_no_byte_with_two_cached_users_and_small_bounds(
    seed: int, disturbance: float
) -> None:
    draw = random.Random(seed)
    compare(draw, random_stream(draw, 160, 5), SMALL, disturbance)


@settings(max_examples=15, deadline=None, phases=AS_FOUND)
@given(st.integers(0, 2**32))
def test_evictions_and_restores_change_no_byte_with_default_bounds(seed: int) -> None:
    draw = random.Random(seed)
    compare(draw, random_stream(draw, 500, 2), UserStateSettings(), 0.05)


@pytest.mark.parametrize("cached_users", [0, 1, 2, 3])
def test_the_bound_on_cached_users_holds_and_changes_no_byte(cached_users: int) -> None:
    draw = random.Random(cached_users)
    events = random_stream(draw, 150, 6)
    compare(draw, events, UserStateSettings(cached_users=cached_users), 0.0)
    logs = MemoryUserLogs()
    states = engine_over(logs, state=UserStateSettings(cached_users=cached_users)).states
    for event in events:
        logs.key = event.user_id
        states.get(event.user_id)
        assert len(states._young) + len(states._old) <= max(2, cached_users)


# -- what a busy user costs ----------------------------------------------------------------------------------------------


class CountingLog:
    """State in memory that counts what is written."""

    def __init__(self) -> None:
        self.written = 0
        self.stored: list[bytes] = []
        self.longest = 0
        self._snapshot: bytes | None = None

    def snapshot(self) -> bytes | None:
        return self._snapshot

    def entries(self) -> Iterable[bytes]:
        return tuple(self.stored)

    def append(self, entry: bytes) -> None:
        self.written += len(entry)
        self.stored.append(entry)
        self.longest = max(self.longest, len(self.stored))

    def save_snapshot(self, data: bytes) -> None:
        self.written += len(data)
        self._snapshot = data

    def replace(self, entries: list[bytes]) -> None:
        self.written += sum(map(len, entries))
        self.stored = list(entries)


class Payer:
    """A user who pays at a steady pace, straight into the state."""

    def __init__(self, per_day: int) -> None:
        self.log = CountingLog()
        self.states = UserStates(self.log, UserStateSettings())
        self.step_ms = DAY // per_day
        self.now_ms = START

    def pay(self, count: int) -> int:
        """Bytes written by `count` payments."""
        before = self.log.written
        states = self.states
        for _ in range(count):
            self.now_ms += self.step_ms
            user = states.get("U1")
            number = user.sequence + 1
            entry = TransactionEntry(
                number, f"T{number:09}", self.now_ms, self.now_ms, False, number % 5_000, False, False, False,
                f"M{number % 90}", f"{number % 50}", f"D{number % 3}", "DE", "Bonn", "10.0.0.1", None, 50.7, 7.1,
            )  # fmt: skip
            states.windows.add(user.recent, entry)
            states.windows.ending_at(user.recent, self.now_ms)
            states.record(user, entry)
        return self.log.written - before


def calls_of(work: Callable[[], object]) -> int:
    """Function calls made by a piece of work."""
    made = 0

    def trace(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    sys.setprofile(trace)
    try:
        work()
    finally:
        sys.setprofile(None)
    return made


@pytest.fixture(scope="module")
def hot() -> Payer:
    """20,000 payments a day, two days on."""
    payer = Payer(20_000)
    payer.pay(41_000)
    return payer


@pytest.fixture(scope="module")
def quiet() -> Payer:
    """20 payments a day, a month on."""
    payer = Payer(20)
    payer.pay(600)
    return payer


def test_a_payment_of_a_hot_user_writes_little_more_than_one_of_a_quiet_user(hot: Payer, quiet: Payer) -> None:
    per_quiet = quiet.pay(2_000) / 2_000
    per_hot = hot.pay(42_000) / 42_000  # with one compaction
    assert per_hot < 1.5 * per_quiet
    assert per_hot < 600


def test_a_payment_of_a_hot_user_makes_about_as_many_calls_as_one_of_a_quiet_user(hot: Payer, quiet: Payer) -> None:
    assert calls_of(lambda: hot.pay(960)) < 1.3 * calls_of(lambda: quiet.pay(960))


def test_the_stored_log_is_bounded_by_what_can_still_matter(hot: Payer, quiet: Payer) -> None:
    for payer, in_two_days in ((hot, 40_000), (quiet, 40)):
        bound = in_two_days + 64  # ids go in batches of 32
        assert payer.log.longest <= 2 * bound + payer.states.settings.compact_slack + 1
        assert len(payer.states.get("U1").remembered) <= bound
        assert len(payer.states.get("U1").recent.entries) <= bound


def test_a_flood_of_labels_and_logins_keeps_log_and_snapshot_bounded() -> None:
    log = CountingLog()
    engine = engine_over(log)
    for number in range(3_000):
        now = START + number * 1_000
        engine.record_login(Login(event_id=f"L{number}", user_id="U1", timestamp=now, success=False, city="Bonn"))
        engine.record_label(
            Label(event_id="x", transaction_id=f"T{number}", user_id="U1", timestamp=now, known_at=now, is_fraud=False)
        )
    user = engine.states.get("U1")
    assert len(user.account.logins) <= 1_024
    assert len(user.account.labels) <= 256
    assert log.longest <= 2 * 3_000 + 64 + 1
    assert log.snapshot() is not None
    engine.record_login(Login(event_id="after", user_id="U1", timestamp=START + 3 * DAY))
    for _ in range(200):
        engine.record_label(
            Label(
                event_id="x",
                transaction_id="T0",
                user_id="U1",
                timestamp=START,
                known_at=START + 3 * DAY,
                is_fraud=True,
            )
        )
        assert len(log.stored) <= 2 * 3_000 + 65
    assert len(log.stored) <= 2 * 64 + 65


def flooded(logins: int) -> tuple[CountingLog, FeatureEngine]:
    """A user after so many failed logins within an hour: credential stuffing."""
    log = CountingLog()
    engine = engine_over(log)
    for number in range(logins):
        time = START + number * 500
        engine.record_login(Login(event_id=f"L{number}", user_id="U1", timestamp=time, success=False, city="Bonn"))
    return log, engine


def pay_after_logins(engine: FeatureEngine, count: int) -> None:
    for number in range(count):
        time = START + HOUR + number * 1_000
        observation = engine.observe(Transaction(transaction_id=f"T{number}", user_id="U1", timestamp=time, amount=1.0))
        assert observation is not None
        engine.commit(observation)


def test_payments_after_a_flood_of_failed_logins_make_about_as_many_calls_as_after_a_few() -> None:
    made = []
    for logins in (10, 2_000):
        _, engine = flooded(logins)
        made.append(calls_of(partial(pay_after_logins, engine, 64)))
    assert made[1] < 2 * made[0]


def test_payments_after_a_flood_of_failed_logins_write_about_as_much_as_after_a_few() -> None:
    written = []
    for logins in (10, 2_000):
        log, engine = flooded(logins)
        before = log.written
        pay_after_logins(engine, 64)
        written.append(log.written - before)
    assert written[1] < 2 * written[0]
