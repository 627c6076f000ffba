"""Windows of hours, after every event, against a list of everything that ever arrived.

Streams hold duplicates, payments in any order up to months behind, restarts, evictions, erasures, and states that are
written back in the layout before hours were kept.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.engines import Engine
from udfs.core._native import stored_snapshot
from udfs.records.events import Erasure, Login, Transaction
from udfs.rules.errors import RuleError
from udfs.state.settings import UserStateSettings

HOUR, DAY = 3_600_000, 86_400_000
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
LENGTHS = {"last 1 hour": 1, "last 36 hours": 36, "last 7 days": 168, "last 30 days": 720, "last 90 days": 2_160}
NAMES = [f"{function}({length})" for length in LENGTHS for function in ("count", "amount_sum")]
KEPT_HOURS = 91 * 24
SMALL = UserStateSettings(snapshot_every=4, snapshot_after_ms=DAY, compact_slack=3)
FIELDS_OF_LAYOUT_4 = 19


class Payment(NamedTuple):
    id: str
    time_ms: int
    minor: int
    remembered_ms: int


class Oracle:
    """All that one user paid, and from which hour on that is complete."""

    def __init__(self) -> None:
        self.payments: list[Payment] = []
        self.newest_ms = -1
        self.complete_from = 0

    def is_duplicate(self, identity: str, time_ms: int) -> bool:
        start_ms = max(self.newest_ms, time_ms) - 2 * DAY
        return any(one.id == identity and one.remembered_ms > start_ms for one in self.payments)

    def pay(self, identity: str, time_ms: int, minor: int) -> None:
        self.newest_ms = max(self.newest_ms, time_ms)
        self.payments.append(Payment(identity, time_ms, minor, self.newest_ms))

    def windows(self, time_ms: int) -> list[float]:
        last = time_ms // HOUR
        oldest = max(one.time_ms // HOUR for one in self.payments) - KEPT_HOURS
        found = []
        for hours in LENGTHS.values():
            first = last - hours
            within = [one.minor for one in self.payments if first <= one.time_ms // HOUR <= last]
            is_known = first >= max(oldest, self.complete_from)
            found += [float(len(within)), sum(within) / 100] if is_known else [math.nan, math.nan]
        return found


class Twin:
    """Passes the same events to the engine and the oracle, and compares the results."""

    def __init__(self) -> None:
        self.engine, self.oracle = Engine(state=SMALL), Oracle()
        self.known = 0

    def pay(self, identity: str, time_ms: int, minor: int) -> None:
        amount = minor / 100
        observed = self.engine.pay(
            Transaction(transaction_id=identity, user_id="U1", timestamp=time_ms, amount=amount, merchant_id="M1")
        )
        if self.oracle.is_duplicate(identity, time_ms):
            assert observed is None
        else:
            assert observed is not None
            self.oracle.pay(identity, time_ms, minor)
        self.compare(time_ms)

    def compare(self, time_ms: int) -> None:
        if not self.oracle.payments:
            return
        found, expected = self.engine.core.windows("U1", time_ms, NAMES), self.oracle.windows(time_ms)
        assert all(_same(one, other) for one, other in zip(found, expected, strict=True)), (found, expected, time_ms)
        self.known += sum(not math.isnan(value) for value in expected)

    def log_in(self, time_ms: int) -> None:
        self.engine.tell(Login(event_id=f"L{time_ms}", user_id="U1", timestamp=time_ms, success=True))
        self.oracle.newest_ms = max(self.oracle.newest_ms, time_ms)

    def erase(self, time_ms: int) -> None:
        self.engine.tell(Erasure(event_id=f"E{time_ms}", user_id="U1", timestamp=time_ms))
        self.oracle = Oracle()

    def write_back_in_layout_4(self) -> None:
        snapshot, _ = self.engine.stored()
        if snapshot is not None:
            fields = msgspec.msgpack.decode(snapshot)
            self.engine.log.save_snapshot(msgspec.msgpack.encode([4, *fields[1 : 1 + FIELDS_OF_LAYOUT_4]]))
            newest_ms = stored_snapshot(snapshot)["newest_ms"]
            self.oracle.complete_from = newest_ms // HOUR + 1 if newest_ms >= 0 else 0
        self.engine.restart()


def _same(one: float, other: float) -> bool:
    return math.isnan(one) if math.isnan(other) else one == other


STEPS = st.one_of(
    st.tuples(st.just("pay"), st.sampled_from([0, 60_000, 20 * 60_000, HOUR, 5 * HOUR, DAY, 12 * DAY, 80 * DAY])),
    st.tuples(st.just("pay"), st.integers(-100 * DAY, 3 * DAY).map(lambda back: back // 911 * 911)),
    st.tuples(st.just("pay"), st.integers(-2 * DAY, 0)),
    st.tuples(st.just("again"), st.integers(1, 6)),
    st.tuples(st.sampled_from(["restart", "evict", "log in", "layout 4"]), st.integers(0, DAY)),
    st.tuples(st.just("erase"), st.integers(0, 30)),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(STEPS, min_size=5, max_size=60), st.integers(0, 10**6))
def test_windows_are_the_sums_of_the_hours_by_definition(steps: list[tuple[str, int]], minor: int) -> None:
    twin, now = Twin(), START
    sent: list[tuple[str, int, int]] = []
    for number, (kind, value) in enumerate(steps):
        if kind == "pay":
            now = max(now, now + value)
            sent.append((f"T{number}", now + min(value, 0), (minor * (number + 3)) % 999_983))
            twin.pay(*sent[-1])
        elif kind == "again" and len(sent) >= value:
            twin.pay(*sent[-value])
        elif kind == "restart":
            twin.engine.restart()
        elif kind == "evict":
            twin.engine.evict()
        elif kind == "log in":
            twin.log_in(now + value)
        elif kind == "layout 4":
            twin.write_back_in_layout_4()
        elif kind == "erase" and not value:
            twin.erase(now)


def test_a_window_begins_with_the_hour_that_holds_its_beginning() -> None:
    twin = Twin()
    twin.pay("T1", START + 59 * 60_000, 100)
    twin.pay("T2", START + 2 * HOUR + 60_000, 250)
    twin.pay("T3", START + 3 * HOUR, 1_000)
    assert twin.engine.core.windows("U1", START + 3 * HOUR, ["count(last 2 hours)", "amount_sum(last 3 hours)"]) == [
        2,
        13.5,
    ]
    assert twin.engine.core.windows("U1", START + 3 * HOUR, ["count(last 3 hours)", "count(last 1 day)"]) == [3, 3]


def test_of_a_state_before_hours_a_window_is_unknown_until_it_is_full() -> None:
    twin = Twin()
    for day in range(6):
        twin.pay(f"T{day}", START + day * DAY, 100)
    twin.write_back_in_layout_4()
    twin.pay("N1", START + 6 * DAY, 100)
    names = ["count(last 12 hours)", "count(last 7 days)"]
    assert _known(twin.engine.core.windows("U1", START + 6 * DAY, names)) == [True, False]
    for day in range(7, 15):
        twin.pay(f"N{day}", START + day * DAY, 100)
    assert twin.engine.core.windows("U1", START + 14 * DAY, names) == [1, 8]


def _known(values: list[float]) -> list[bool]:
    return [not math.isnan(value) for value in values]


def test_what_is_stored_of_an_hour_is_a_few_bytes() -> None:
    """100 payments over 90 days; docs/performance.md tells more."""
    sizes = []
    for state in (SMALL, UserStateSettings()):
        engine = Engine(state=state)
        for number in range(100):
            time_ms = START + number * 90 * DAY // 100
            engine.pay(Transaction(transaction_id=f"T{number}", user_id="U1", timestamp=time_ms, amount=20.0 + number))
        snapshot, _ = engine.stored()
        assert snapshot is not None
        fields = msgspec.msgpack.decode(snapshot)
        hours = fields[1 + FIELDS_OF_LAYOUT_4 + 1]
        sizes.append(len(msgspec.msgpack.encode(hours)) / (len(hours) / 3))
    assert max(sizes) < 7


def test_a_name_that_is_no_window_is_refused() -> None:
    core = Engine().core
    for name in ("amount", "count(last 91 days)", "abs(1)", "count(last 1 day) > 2", ""):
        with pytest.raises(RuleError):
            core.windows("U1", START, [name])
