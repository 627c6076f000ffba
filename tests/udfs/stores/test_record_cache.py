"""Ages of records, the circuit breaker and bounds, compared with a naive model."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.udfs.stores.lookups import MOST_LEVEL, LookUps, SwitchedStore, keys_of
from udfs.stores.settings import CacheSettings

START = 1_767_225_600_000
FRESH, STALE, OPEN = 60_000, 600_000, 1_000
DEFAULT = CacheSettings()
A, B, C, D, X = "ip:a", "ip:b", "device:c", "domain:d", "device:x"


class Bench:
    """A store, look-ups in it, and the clock of both."""

    def __init__(self, cache_settings: CacheSettings = DEFAULT) -> None:
        self.now_ms = START
        self.store = SwitchedStore()
        self.lookups = LookUps(self.store, cache_settings, lambda: self.now_ms)

    def at(self, after_ms: int, *keys: str) -> tuple[list[int | None], str]:
        """The result of a look-up `after_ms` after START."""
        self.now_ms = START + after_ms
        return self.lookups.levels(*keys)

    @property
    def calls(self) -> int:
        return len(self.store.calls)


def test_default_settings() -> None:
    assert (DEFAULT.fresh_ms, DEFAULT.stale_ms) == (FRESH, STALE)
    assert (DEFAULT.failures_to_open, DEFAULT.open_ms) == (3, OPEN)


def test_a_value_is_fresh_for_just_under_a_minute() -> None:
    """0: read 1, then the store has 2 .... 59.999 s: still 1 .. 60 s: 2"""
    bench = Bench()
    bench.store.put(A, 1)
    assert bench.at(0, A) == ([1], "ok")
    bench.store.put(A, 2)
    assert bench.at(FRESH - 1, A) == ([1], "ok")
    assert bench.calls == 1
    assert bench.at(FRESH, A) == ([2], "ok")
    assert bench.at(2 * FRESH - 1, A) == ([2], "ok")
    assert bench.calls == 2


def test_a_missing_record_is_cached_as_long_as_a_value() -> None:
    bench = Bench()
    assert bench.at(0, A) == ([None], "ok")
    bench.store.put(A, 1)
    assert bench.at(FRESH - 1, A) == ([None], "ok")
    assert bench.calls == 1
    assert bench.at(FRESH, A) == ([1], "ok")
    del bench.store.records[A]
    assert bench.at(2 * FRESH - 1, A) == ([1], "ok")
    assert bench.at(2 * FRESH, A) == ([None], "ok")


def test_one_round_trip_fetches_all_missing_keys_of_a_batch_and_only_those() -> None:
    bench = Bench()
    for number, key in enumerate((A, B, C, D)):
        bench.store.put(key, number)
    bench.at(0, A, C)
    assert bench.lookups.batch([D, A], [C, B], [X, A], [X]) == [
        ([3, 0], "ok"), ([2, 1], "ok"), ([None, 0], "ok"), ([None], "ok"),
    ]  # fmt: skip
    assert bench.store.calls == [
        ["user:U", "history:beneficiary:U", "device:c", "history:device:c", "ip:a", "history:ip:a"],
        ["domain:d", "ip:b", "history:ip:b", "device:x", "history:device:x"],
    ]
    counters = bench.lookups.source.counters
    assert (counters.misses, counters.failures) == (11, 0)
    bench.at(1)
    assert bench.calls == 2


def test_a_value_is_stale_up_to_ten_minutes_in_an_outage() -> None:
    """0: read .... store down .... 60 s: stale .... 599.999 s: stale .. 600 s: no value, degraded"""
    bench = Bench()
    bench.store.put(A, 1)
    bench.at(0, A, X)
    bench.store.is_down = True
    assert bench.at(FRESH - 1, A, X) == ([1, None], "ok")
    assert bench.at(FRESH, A, X) == ([1, None], "stale")
    assert bench.at(STALE - 1, A, X) == ([1, None], "stale")
    assert bench.at(STALE, A, X) == ([None, None], "degraded")


def test_an_unknown_key_degrades_a_look_up_but_keeps_known_values() -> None:
    bench = Bench()
    bench.store.put(A, 1)
    bench.store.put(C, 2)
    bench.at(0, A)
    bench.store.is_down = True
    assert bench.at(1, A) == ([1], "ok")
    assert bench.at(1, C, A) == ([None, 1], "degraded")
    assert bench.at(FRESH, A, C) == ([1, None], "degraded")


def test_an_unavailable_store_is_not_cached_as_a_missing_record() -> None:
    bench = Bench()
    bench.store.is_down = True
    assert bench.at(0, A) == ([None], "degraded")
    bench.store.is_down = False
    bench.store.put(A, 1)
    assert bench.at(1, A) == ([1], "ok")


def test_three_consecutive_failures_open_the_breaker_for_a_second() -> None:
    """fail, fail, fail at 0 .... no call until 999 ms .. one call at 1,000 ms fails .... none until 1,999 .. success"""
    bench = Bench()
    bench.store.put(A, 1)
    bench.store.is_down = True
    for expected_calls in (1, 2, 3, 3, 3):
        assert bench.at(0, A) == ([None], "degraded")
        assert bench.calls == expected_calls
    bench.at(OPEN - 1, A)
    assert bench.calls == 3
    bench.at(OPEN, A)
    assert bench.calls == 4
    bench.at(OPEN, A)
    bench.at(2 * OPEN - 1, A)
    assert bench.calls == 4
    bench.store.is_down = False
    assert bench.at(2 * OPEN - 1, A) == ([None], "degraded")
    assert bench.at(2 * OPEN, A) == ([1], "ok")
    assert bench.calls == 5
    assert bench.lookups.source.counters.failures == 4


def test_a_success_resets_the_count_of_failures() -> None:
    bench = Bench()
    bench.store.is_down = True
    for _ in range(3):
        bench.at(0, A)
    bench.store.is_down = False
    bench.at(OPEN, A)
    bench.store.is_down = True
    calls = bench.calls
    for _ in range(5):
        bench.at(OPEN, B)
    assert bench.calls == calls + 3


def test_failures_with_a_success_in_between_do_not_open_the_breaker() -> None:
    bench = Bench()
    for down in (True, True, False, True, True, False):
        bench.store.is_down = down
        bench.at(0, f"ip:{bench.calls}")
    assert bench.calls == 6


def test_fresh_values_are_served_while_the_breaker_is_open() -> None:
    bench = Bench()
    bench.store.put(A, 1)
    bench.at(0, A)
    bench.store.is_down = True
    for _ in range(5):
        bench.at(1, B)
    assert bench.at(2, A) == ([1], "ok")
    assert bench.calls == 4


def test_recent_keys_stay_and_others_are_dropped() -> None:
    """Two generations of half the entries each."""
    bench = Bench(CacheSettings(entries=100))
    for number in range(1_000):
        bench.at(0, f"domain:{number}")
    calls = bench.calls
    for number in range(960, 1_000):
        bench.at(0, f"domain:{number}")
    assert bench.calls == calls
    bench.at(0, "domain:800")
    assert bench.calls == calls + 1


# -- against a naive model -----------------------------------------------------------------------------------------------

KEYS = ["ip:a", "ip:b", "device:c", "device:d", "domain:e", "domain:f"]
groups = st.tuples(
    st.sampled_from([None, "ip:a", "ip:b"]),
    st.sampled_from([None, "device:c", "device:d"]),
    st.sampled_from([None, "domain:e", "domain:f"]),
).map(lambda drawn: [key for key in drawn if key is not None])
steps = st.sampled_from([0, 1, OPEN - 1, OPEN, FRESH - 1, FRESH, FRESH // 2, STALE - 1, STALE])


class AgainstNaiveModel(RuleBasedStateMachine):
    """Without evictions, each level, status and call is exactly that of a naive cache."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.truth: dict[str, int] = {}
        self.memory: dict[str, tuple[int, int | None]] = {}
        self.failures = 0
        self.open_until = -1
        self.calls = 0
        self.level = 0

    @rule(step=steps)
    def wait(self, step: int) -> None:
        self.bench.now_ms += step

    @rule(key=st.sampled_from(KEYS))
    def change(self, key: str) -> None:
        self.level = (self.level + 1) % (MOST_LEVEL + 1)
        self.bench.store.put(key, self.level)
        self.truth[key] = self.level

    @rule(key=st.sampled_from(KEYS))
    def delete(self, key: str) -> None:
        self.bench.store.records.pop(key, None)
        self.truth.pop(key, None)

    @rule(down=st.booleans())
    def switch(self, down: bool) -> None:
        self.bench.store.is_down = down

    @rule(named=groups)
    def look_up(self, named: list[str]) -> None:
        now, store, keys = self.bench.now_ms, self.bench.store, keys_of("U", named)
        missing = [key for key in keys if key not in self.memory or now - self.memory[key][0] >= FRESH]
        available = True
        if missing:
            available = False
            if now >= self.open_until:
                self.calls += 1
                if store.is_down:
                    self.failures += 1
                    if self.failures >= 3:
                        self.open_until = now + OPEN
                else:
                    available = True
                    self.failures = 0
                    for key in missing:
                        self.memory[key] = (now, self.truth.get(key))
        usable = {key: key in self.memory and now - self.memory[key][0] < STALE for key in keys}
        expected = [self.memory[key][1] if usable[key] else None for key in named]
        status = "ok" if available else "stale" if all(usable.values()) else "degraded"
        assert self.bench.lookups.levels(*named) == (expected, status)

    @invariant()
    def number_of_store_calls_agrees(self) -> None:
        assert self.bench.calls == self.calls


class WithEvictions(RuleBasedStateMachine):
    """With few entries and many evictions, no level is wrong or older than its status allows."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(CacheSettings(entries=4))
        self.truth: dict[str, list[tuple[int, int | None]]] = {key: [(0, None)] for key in KEYS}
        self.level = 0

    @rule(step=steps)
    def wait(self, step: int) -> None:
        self.bench.now_ms += step

    @rule(key=st.sampled_from(KEYS), delete=st.booleans())
    def change(self, key: str, delete: bool) -> None:
        self.level = (self.level + 1) % (MOST_LEVEL + 1)
        if delete:
            self.bench.store.records.pop(key, None)
        else:
            self.bench.store.put(key, self.level)
        self.truth[key].append((self.bench.now_ms, None if delete else self.level))

    @rule(down=st.booleans())
    def switch(self, down: bool) -> None:
        self.bench.store.is_down = down

    def _true_within(self, key: str, age_ms: int) -> list[int | None]:
        """All levels that the key had within the last `age_ms`, including now."""
        since = self.bench.now_ms - age_ms
        ends = [start for start, _ in self.truth[key][1:]] + [self.bench.now_ms + 1]
        return [value for (_, value), end in zip(self.truth[key], ends, strict=True) if end > since]

    @rule(named=groups)
    def look_up(self, named: list[str]) -> None:
        levels, status = self.bench.lookups.levels(*named)
        age = FRESH if status == "ok" else STALE
        for key, level in zip(named, levels, strict=True):
            allowed = self._true_within(key, age)
            assert level in allowed or (level is None and status == "degraded"), (key, status)


AgainstNaiveModel.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
WithEvictions.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_results_and_store_calls_agree_with_a_naive_cache = AgainstNaiveModel.TestCase
test_no_result_is_wrong_with_evictions = WithEvictions.TestCase
