"""The user's state as bytes: earlier layouts, independence of the cache, and bounded cost of busy users."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import process_time
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.golden import stored_users
from tests.udfs.engines import Engine, Refused
from udfs.core._native import stored_entry, stored_snapshot
from udfs.core.learner import CACHE_BYTES
from udfs.records.events import AccountChange, Label, Login, Transaction
from udfs.records.profiles import UserProfile
from udfs.state.settings import UserStateSettings, WindowSettings

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_767_225_600_000
BATCH = 960
AS_FOUND = (Phase.explicit, Phase.reuse, Phase.generate)  # no shrinking: a random stream stays unreadable


def golden_bytes(name: str) -> bytes:
    return (Path(stored_users.__file__).parent / f"{name}.bin").read_bytes()


# -- golden bytes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", stored_users.ENTRIES)
def test_entries_of_every_layout_are_decoded(name: str) -> None:
    assert stored_entry(golden_bytes(name)) == stored_users.ENTRIES[name]


def test_every_layout_of_an_entry_has_golden_bytes() -> None:
    tags = {msgspec.msgpack.decode(golden_bytes(name))[0] for name in stored_users.ENTRIES}
    assert tags == set(range(1, 1 + max(tags)))
    with pytest.raises(ValueError, match=f"not layout {1 + max(tags)}:"):
        stored_entry(msgspec.msgpack.encode([1 + max(tags), *[0] * 20]))


@pytest.mark.parametrize("name", stored_users.SNAPSHOTS)
def test_snapshots_of_every_layout_are_decoded(name: str) -> None:
    found, expected = stored_snapshot(golden_bytes(name)), stored_users.SNAPSHOTS[name]
    assert found == expected
    for known in ("devices", "merchants", "labels"):  # the order is that of the last use, or of the first arrival
        assert list(found[known]) == list(expected[known])


def test_every_layout_of_a_snapshot_has_golden_bytes() -> None:
    layouts = {msgspec.msgpack.decode(golden_bytes(name))[0] for name in stored_users.SNAPSHOTS}
    assert layouts == set(range(1, 1 + max(layouts)))
    with pytest.raises(ValueError, match=f"not layout {1 + max(layouts)}:"):
        stored_snapshot(of_a_later_version(golden_bytes("snapshot_5_full"), 1 + max(layouts)))


def restored_user() -> Engine:
    snapshot, entries = msgspec.msgpack.decode(golden_bytes("user_1"), type=tuple[bytes, list[bytes]])
    engine = Engine({"user:U1": UserProfile(user_id="U1", home_country="DE")})
    engine.logs.set_current_key("U1")
    engine.logs.save_snapshot(snapshot)
    engine.logs.replace(entries)
    return engine


def test_a_user_saved_by_the_first_version_gives_the_same_features() -> None:
    """days 0 to 11: 10, 20, ... 120 .. 1 min: failed login .. 2: login .. 3: unblocked .. 5: declined 0.50 .. 4: refunded"""
    now = START + 11 * DAY + 6 * MINUTE
    observation = restored_user().pay(
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


def test_a_user_saved_by_the_first_version_detects_duplicates() -> None:
    engine = restored_user()
    before = engine.stored()
    for known in ("T10", "T11", "N1", "N2"):
        again = Transaction(transaction_id=known, user_id="U1", timestamp=START + 11 * DAY, amount=1.0)
        assert engine.pay(again) is None, known
    assert not engine.tell(AccountChange(event_id="C1", user_id="U1", timestamp=START + 11 * DAY))
    assert not engine.tell(Login(event_id="E1", user_id="U1", timestamp=START + 11 * DAY))
    assert engine.stored() == before


# -- bytes that are not ours ---------------------------------------------------------------------------------------------


def of_a_later_version(data: bytes, tag: int) -> bytes:
    return msgspec.msgpack.encode([tag, *msgspec.msgpack.decode(data)[1:], "a field of then"])


def test_a_layout_of_a_later_version_is_refused_with_its_number() -> None:
    entry = of_a_later_version(golden_bytes("entry_1_transaction"), 9)
    snapshot = of_a_later_version(golden_bytes("snapshot_1_full"), 9)
    with_entry, with_snapshot = Engine(), Engine()
    with_entry.logs.set_current_key("U1")
    with_entry.logs.append(entry)
    with_snapshot.logs.set_current_key("U1")
    with_snapshot.logs.save_snapshot(snapshot)
    for engine in (with_entry, with_snapshot):
        for _ in range(2):
            with pytest.raises(Refused, match=r"state of the user cannot be read.*not layout 9: .*later version"):
                engine.pay(Transaction(transaction_id="T", user_id="U1", timestamp=START, amount=1.0))


@pytest.mark.parametrize("name", ["snapshot_1_full", "entry_1_transaction", "entry_2_login", "entry_4_label"])
def test_truncated_bytes_are_an_error(name: str) -> None:
    data = golden_bytes(name)
    decode: Any = stored_snapshot if name.startswith("snapshot") else stored_entry
    for end in range(len(data)):
        with pytest.raises(ValueError, match=r"expected .* at byte"):
            decode(data[:end])


# -- the cache changes nothing -------------------------------------------------------------------------------------------

SMALL = UserStateSettings(
    snapshot_every=3, snapshot_after_ms=DAY, compact_slack=3, windows=WindowSettings(forget_batch=2)
)
Event = Transaction | Login | AccountChange | Label


def random_stream(draw: random.Random, count: int, users: int) -> list[Event]:
    """Events of several users in order of arrival: bursts, pauses, late and very late events, repeats, many labels."""
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


def outcome(engine: Engine, event: Event) -> bytes:
    """The features of a decision, as bytes; of another event, whether it was written."""
    if isinstance(event, Transaction):
        observation = engine.pay(event)
        return b"duplicate" if observation is None else msgspec.json.encode([observation.late, observation.features])
    return b"recorded" if engine.tell(event) else b"duplicate"


PROFILES: dict[str, Any] = {"user:U0": UserProfile(user_id="U0", home_country="DE", timezone="Asia/Kathmandu")}


def compare(
    draw: random.Random,
    events: list[Event],
    state: UserStateSettings,
    disturbance: float,
    cache_bytes: int = CACHE_BYTES,
) -> Engine:
    """Compare an engine without evictions with one that evicts and restores continuously; then both after a cold load."""
    steady = Engine(PROFILES)
    engine = Engine(PROFILES, state=state, cache_bytes=cache_bytes)
    for number, event in enumerate(events):
        assert outcome(engine, event) == outcome(steady, event), (number, event)
        assert engine.core.cached[1] <= cache_bytes
        chance = draw.random()
        if chance < disturbance:
            engine.evict()
        elif chance < 1.5 * disturbance:
            engine.evict(event.user_id)
        elif chance < 2 * disturbance:
            engine.restart()
    steady.evict()
    engine.evict()
    last = max(event.timestamp for event in events)
    for user in sorted({event.user_id for event in events}):
        for time in (last + 1, last - HOUR, last - 23 * HOUR, last + 3 * DAY):
            probe = Transaction(
                transaction_id=f"probe-{time}", user_id=user, timestamp=time, amount=1.0, device_id="d1"
            )
            assert outcome(engine, probe) == outcome(steady, probe)
    return engine


@settings(max_examples=40, deadline=None, phases=AS_FOUND)
@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.1, 0.5]))
def test_evictions_and_restores_change_no_byte_with_small_bounds(seed: int, disturbance: float) -> None:
    draw = random.Random(seed)
    compare(draw, random_stream(draw, 160, 5), SMALL, disturbance)


@settings(max_examples=15, deadline=None, phases=AS_FOUND)
@given(st.integers(0, 2**32))
def test_evictions_and_restores_change_no_byte_with_default_bounds(seed: int) -> None:
    draw = random.Random(seed)
    compare(draw, random_stream(draw, 500, 2), UserStateSettings(), 0.05)


@pytest.mark.parametrize("cache_bytes", [0, 10_000, 20_000, 30_000])
def test_the_limit_on_cached_users_holds_and_changes_no_byte(cache_bytes: int) -> None:
    draw = random.Random(cache_bytes)
    compare(draw, random_stream(draw, 150, 6), UserStateSettings(), 0.0, cache_bytes)


# -- what a busy user costs ----------------------------------------------------------------------------------------------


class CountingLog:
    """In-memory state that counts the written bytes."""

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

    def clear(self) -> None:
        self.stored, self._snapshot = [], None


class Payer:
    """A user with payments at a constant rate."""

    def __init__(self, per_day: int) -> None:
        self.log = CountingLog()
        self.engine = Engine(log=self.log)
        self.number = 0
        self.step_ms = DAY // per_day
        self.now_ms = START

    def pay(self, count: int) -> int:
        """Bytes written by `count` payments."""
        before = self.log.written
        for first in range(0, count, BATCH):
            self.engine.pay_all([self._next() for _ in range(min(BATCH, count - first))])
        return self.log.written - before

    def _next(self) -> Transaction:
        self.now_ms += self.step_ms
        self.number += 1
        number = self.number
        return Transaction(
            transaction_id=f"T{number:09}", user_id="U1", timestamp=self.now_ms, amount=number % 5_000 / 100,
            merchant_id=f"M{number % 90}", merchant_category=f"{number % 50}", device_id=f"D{number % 3}", country="DE",
            city="Bonn", ip_address="10.0.0.1", latitude=50.7, longitude=7.1,
        )  # fmt: skip


def least_seconds(work: Callable[[], object]) -> float:
    """Of the processor, for the fastest of some runs of a piece of work."""

    def runs() -> Iterator[float]:
        for _ in range(7):
            before = process_time()
            work()
            yield process_time() - before

    return min(runs())


@pytest.fixture(scope="module")
def hot() -> Payer:
    """A user with 20,000 payments a day, after two days."""
    payer = Payer(20_000)
    payer.pay(41_000)
    return payer


@pytest.fixture(scope="module")
def quiet() -> Payer:
    """A user with 20 payments a day, after a month."""
    payer = Payer(20)
    payer.pay(600)
    return payer


def test_a_payment_of_a_busy_user_writes_few_more_bytes(hot: Payer, quiet: Payer) -> None:
    per_quiet = quiet.pay(2_000) / 2_000
    per_hot = hot.pay(42_000) / 42_000  # with one compaction
    assert per_hot < 1.5 * per_quiet
    assert per_hot < 600


def test_a_payment_of_a_busy_user_takes_about_as_long(hot: Payer, quiet: Payer) -> None:
    """A search through its 40,000 payments would take a hundred times as long."""
    assert least_seconds(lambda: hot.pay(960)) < 3.0 * least_seconds(lambda: quiet.pay(960))


def test_the_stored_log_is_bounded(hot: Payer, quiet: Payer) -> None:
    for payer, in_two_days in ((hot, 40_000), (quiet, 40)):
        bound = in_two_days + 64  # ids are removed in batches of 32
        assert payer.log.longest <= 2 * bound + UserStateSettings().compact_slack + 1


def test_the_memory_of_a_busy_user_is_bounded(hot: Payer) -> None:
    users, size = hot.engine.core.cached
    assert users == 1
    assert size < 256 * (40_000 + 64)


def test_a_flood_of_labels_and_logins_keeps_log_and_snapshot_bounded() -> None:
    log = CountingLog()
    engine = Engine(log=log)
    for number in range(3_000):
        now = START + number * 1_000
        engine.tell(Login(event_id=f"L{number}", user_id="U1", timestamp=now, success=False, city="Bonn"))
        engine.tell(labelled(number, now, is_fraud=False))
    assert log.longest <= 2 * 3_000 + 64 + 1
    assert engine.tell(Login(event_id="after", user_id="U1", timestamp=START + 3 * DAY))
    for _ in range(200):
        engine.tell(labelled(0, START + 3 * DAY, is_fraud=True))
        assert len(log.stored) <= 2 * 3_000 + 65
    assert len(log.stored) <= 2 * 64 + 65
    stored = log.snapshot()
    assert stored is not None
    kept = stored_snapshot(stored)
    assert len(kept["logins"]) <= 8  # the others stand in the log
    assert len(kept["labels"]) <= 64
    assert kept["labels"]["T0"] == (START + 3 * DAY, True)


def labelled(number: int, known_at: int, is_fraud: bool) -> Label:
    return Label(
        event_id="x", transaction_id=f"T{number}", user_id="U1", timestamp=START, known_at=known_at, is_fraud=is_fraud
    )


def flooded(logins: int) -> tuple[CountingLog, Engine]:
    """A user after many failed logins within an hour (credential stuffing)."""
    log = CountingLog()
    engine = Engine(log=log)
    times = range(START, START + logins * 500, 500)
    engine.tell(
        *(Login(event_id=f"L{time}", user_id="U1", timestamp=time, success=False, city="Bonn") for time in times)
    )
    return log, engine


def payments_after_logins(first: int, count: int = 64) -> list[Transaction]:
    return [
        Transaction(transaction_id=f"T{n}", user_id="U1", timestamp=START + HOUR + n * 1_000, amount=1.0)
        for n in range(first, first + count)
    ]


def test_payments_after_many_failed_logins_take_as_long() -> None:
    seconds = []
    for logins in (10, 2_000):
        _, engine = flooded(logins)
        firsts = iter(range(0, 10**6, 640))
        seconds.append(least_seconds(lambda: engine.pay_all(payments_after_logins(next(firsts), 640))))  # noqa: B023
    assert seconds[1] < 3.0 * seconds[0]


def test_payments_after_many_failed_logins_write_as_many_bytes() -> None:
    written = []
    for logins in (10, 2_000):
        log, engine = flooded(logins)
        before = log.written
        engine.pay_all(payments_after_logins(0))
        written.append(log.written - before)
    assert written[1] < 2 * written[0]
