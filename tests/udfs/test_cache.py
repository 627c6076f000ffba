"""The cache in front of a store: ages, the breaker, and what it may never do, against a naive model."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from udfs.outputs import EnrichmentStatus
from udfs.profiles import UserProfile
from udfs.stores.cache import CachedEnrichment
from udfs.stores.port import Record, StoreUnavailable
from udfs.stores.settings import CacheSettings

START = 1_767_225_600_000
FRESH, STALE, OPEN = 60_000, 600_000, 1_000
DEFAULT = CacheSettings()


class SwitchedStore:
    """A real, small store that can be switched off and counts its round trips."""

    holds_histories = False
    complete_through_ms = 0

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.down = False
        self.calls: list[list[str]] = []

    def put(self, key: str, level: int) -> Record:
        self.records[key] = profile = UserProfile(user_id=key, kyc_level=level)
        return profile

    def get_many(self, keys: Sequence[str]) -> list[Record | None]:
        self.calls.append(list(keys))
        if self.down:
            raise StoreUnavailable("the test's store is switched off")
        return [self.records.get(key) for key in keys]


class Bench:
    """A store, its cache, and the clock of both."""

    def __init__(self, cache_settings: CacheSettings = DEFAULT) -> None:
        self.now_ms = START
        self.store = SwitchedStore()
        self.cache = CachedEnrichment(self.store, cache_settings, lambda: self.now_ms)

    def at(self, after_ms: int, *keys: str) -> tuple[list[Record | None], EnrichmentStatus]:
        """What a look-up gives `after_ms` after the start."""
        self.now_ms = START + after_ms
        return self.cache.lookup(keys)

    def levels(self, after_ms: int, *keys: str) -> tuple[list[int | None], EnrichmentStatus]:
        values, status = self.at(after_ms, *keys)
        return [value.kyc_level if isinstance(value, UserProfile) else None for value in values], status


def test_the_defaults_are_a_minute_fresh_ten_minutes_stale_and_a_second_open_after_three_failures() -> None:
    assert (DEFAULT.fresh_ms, DEFAULT.stale_ms) == (FRESH, STALE)
    assert (DEFAULT.failures_to_open, DEFAULT.open_ms) == (3, OPEN)


def test_a_value_is_fresh_for_just_under_a_minute() -> None:
    """0: read 1, then the store says 2 .... 59.999 s: still 1 .. 60 s: 2"""
    bench = Bench()
    bench.store.put("a", 1)
    assert bench.levels(0, "a") == ([1], "ok")
    bench.store.put("a", 2)
    assert bench.levels(FRESH - 1, "a") == ([1], "ok")
    assert len(bench.store.calls) == 1
    assert bench.levels(FRESH, "a") == ([2], "ok")
    assert bench.levels(2 * FRESH - 1, "a") == ([2], "ok")
    assert len(bench.store.calls) == 2


def test_what_many_look_ups_will_ask_for_is_read_in_one_round_trip_and_counted_as_they_would() -> None:
    bench, alone = Bench(), Bench()
    for key in "abc":
        bench.store.put(key, 1)
        alone.store.put(key, 1)
    for found in (bench, alone):
        found.at(0, "a", "b")
    bench.now_ms = START + FRESH - 1
    bench.cache.read_ahead(["a", "b", "c", "a", "none", "c"])
    assert bench.store.calls[1:] == [["c", "none"]]
    assert bench.levels(FRESH - 1, "a", "c") == alone.levels(FRESH - 1, "a", "c") == ([1, 1], "ok")
    assert bench.levels(FRESH - 1, "none", "c") == alone.levels(FRESH - 1, "none", "c") == ([None, 1], "ok")
    assert (len(bench.store.calls), len(alone.store.calls)) == (2, 3)
    assert bench.cache.counters == alone.cache.counters
    bench.now_ms = START + FRESH
    bench.cache.read_ahead(["a", "c"])
    assert bench.store.calls[2:] == [["a"]]


def test_reading_ahead_of_a_store_that_is_down_leaves_the_look_ups_what_they_had() -> None:
    bench = Bench()
    bench.store.put("a", 1)
    bench.at(0, "a")
    bench.store.down = True
    bench.now_ms = START + FRESH
    for _ in range(5):
        bench.cache.read_ahead(["a", "b"])
    assert len(bench.store.calls) == 1 + 3  # then the breaker leaves it alone
    assert bench.levels(FRESH, "a") == ([1], "stale")
    assert bench.levels(FRESH, "a", "b") == ([1, None], "degraded")
    assert len(bench.store.calls) == 1 + 3
    bench.store.down = False
    bench.now_ms = START + FRESH + OPEN
    bench.cache.read_ahead(["a", "b"])
    assert bench.levels(FRESH + OPEN, "a", "b") == ([1, None], "ok")
    assert len(bench.store.calls) == 1 + 3 + 1


def test_that_there_is_nothing_is_remembered_as_long_as_a_value() -> None:
    bench = Bench()
    assert bench.levels(0, "a") == ([None], "ok")
    bench.store.put("a", 1)
    assert bench.levels(FRESH - 1, "a") == ([None], "ok")
    assert len(bench.store.calls) == 1
    assert bench.levels(FRESH, "a") == ([1], "ok")
    del bench.store.records["a"]
    assert bench.levels(2 * FRESH - 1, "a") == ([1], "ok")
    assert bench.levels(2 * FRESH, "a") == ([None], "ok")


def test_one_round_trip_fetches_all_missing_keys_and_only_those() -> None:
    bench = Bench()
    for number, key in enumerate("abcd"):
        bench.store.put(key, number)
    bench.at(0, "a", "b")
    assert bench.levels(1, "d", "a", "c", "b", "x") == ([3, 0, 2, 1, None], "ok")
    assert bench.store.calls == [["a", "b"], ["d", "c", "x"]]
    assert bench.at(2) == ([], "ok")
    assert len(bench.store.calls) == 2
    assert (bench.cache.counters.hits, bench.cache.counters.misses, bench.cache.counters.failures) == (2, 5, 0)


def test_a_repeated_key_is_answered_in_each_place() -> None:
    bench = Bench()
    bench.store.put("a", 1)
    for after in (0, 1, FRESH):
        assert bench.levels(after, "a", "b", "a") == ([1, None, 1], "ok")
    bench.store.down = True
    assert bench.levels(2 * FRESH, "a", "b", "a") == ([1, None, 1], "stale")


def test_a_value_is_used_for_just_under_ten_minutes_while_the_store_is_down() -> None:
    """0: read .... store down .... 60 s: stale .... 599.999 s: stale .. 600 s: nothing, degraded"""
    bench = Bench()
    bench.store.put("a", 1)
    bench.at(0, "a", "none")
    bench.store.down = True
    assert bench.levels(FRESH - 1, "a", "none") == ([1, None], "ok")
    assert bench.levels(FRESH, "a", "none") == ([1, None], "stale")
    assert bench.levels(STALE - 1, "a", "none") == ([1, None], "stale")
    assert bench.levels(STALE, "a", "none") == ([None, None], "degraded")


def test_a_key_never_seen_degrades_a_look_up_but_the_known_values_are_still_used() -> None:
    bench = Bench()
    bench.store.put("a", 1)
    bench.store.put("b", 2)
    bench.at(0, "a")
    bench.store.down = True
    assert bench.levels(1, "a") == ([1], "ok")
    assert bench.levels(1, "b", "a") == ([None, 1], "degraded")
    assert bench.levels(FRESH, "a", "b") == ([1, None], "degraded")


def test_a_dead_store_never_looks_like_a_known_nothing() -> None:
    bench = Bench()
    bench.store.down = True
    assert bench.at(0, "a") == ([None], "degraded")
    bench.store.down = False
    bench.store.put("a", 1)
    assert bench.levels(1, "a") == ([1], "ok")


def test_three_failures_in_a_row_open_the_breaker_for_a_second_and_then_one_call_tries() -> None:
    """fail, fail, fail at 0 .... no call until 999 ms .. one call at 1,000 ms fails .... none until 1,999 .. up again"""
    bench = Bench()
    bench.store.put("a", 1)
    bench.store.down = True
    for expected_calls in (1, 2, 3, 3, 3):
        assert bench.at(0, "a") == ([None], "degraded")
        assert len(bench.store.calls) == expected_calls
    bench.at(OPEN - 1, "a")
    assert len(bench.store.calls) == 3
    bench.at(OPEN, "a")
    assert len(bench.store.calls) == 4
    bench.at(OPEN, "a")
    bench.at(2 * OPEN - 1, "a")
    assert len(bench.store.calls) == 4
    bench.store.down = False
    assert bench.levels(2 * OPEN - 1, "a") == ([None], "degraded")
    assert bench.levels(2 * OPEN, "a") == ([1], "ok")
    assert len(bench.store.calls) == 5
    assert bench.cache.counters.failures == 4


def test_a_success_closes_the_breaker_so_that_it_takes_three_failures_again() -> None:
    bench = Bench()
    bench.store.down = True
    for _ in range(3):
        bench.at(0, "a")
    bench.store.down = False
    bench.at(OPEN, "a")
    bench.store.down = True
    calls = len(bench.store.calls)
    for _ in range(5):
        bench.at(OPEN, "b")
    assert len(bench.store.calls) == calls + 3


def test_two_failures_and_a_success_and_two_failures_do_not_open_it() -> None:
    bench = Bench()
    for down in (True, True, False, True, True, False):
        bench.store.down = down
        bench.at(0, f"key {len(bench.store.calls)}")
    assert len(bench.store.calls) == 6


def test_what_is_fresh_is_served_while_the_breaker_is_open() -> None:
    bench = Bench()
    bench.store.put("a", 1)
    bench.at(0, "a")
    bench.store.down = True
    for _ in range(5):
        bench.at(1, "b")
    assert bench.levels(2, "a") == ([1], "ok")
    assert len(bench.store.calls) == 4


def test_a_store_that_is_broken_in_another_way_is_not_hidden() -> None:
    class Broken(SwitchedStore):
        def get_many(self, keys: Sequence[str]) -> list[Record | None]:
            raise RuntimeError("a mistake in the adapter")

    with pytest.raises(RuntimeError, match="a mistake in the adapter"):
        CachedEnrichment(Broken(), DEFAULT, lambda: START).lookup(["a"])


def test_the_cache_keeps_its_bound_whatever_is_asked() -> None:
    bench = Bench(CacheSettings(entries=100))
    for number in range(2_000):
        bench.at(number, f"k{number}", f"k{number // 2}")
        assert len(bench.cache._young) + len(bench.cache._old) <= 100


def test_the_most_recent_keys_are_still_there_when_generations_roll_over() -> None:
    bench = Bench(CacheSettings(entries=100))
    for number in range(1_000):
        bench.store.put(f"k{number}", number)
        bench.at(number, f"k{number}")
    calls = len(bench.store.calls)
    assert bench.levels(1_000, *(f"k{number}" for number in range(950, 1_000))) == (list(range(950, 1_000)), "ok")
    assert len(bench.store.calls) == calls


# -- against a naive model -----------------------------------------------------------------------------------------------

KEYS = [*"abcdef"]
look_ups = st.lists(st.sampled_from(KEYS), max_size=5)
steps = st.sampled_from([0, 1, OPEN - 1, OPEN, FRESH - 1, FRESH, FRESH // 2, STALE - 1, STALE])


class AgainstNaiveModel(RuleBasedStateMachine):
    """With room for everything, each answer, status and call is exactly that of a cache without any cleverness."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench()
        self.memory: dict[str, tuple[int, Record | None]] = {}
        self.failures = 0
        self.open_until = -1
        self.calls = 0
        self.level = 0

    @rule(step=steps)
    def wait(self, step: int) -> None:
        self.bench.now_ms += step

    @rule(key=st.sampled_from(KEYS))
    def change(self, key: str) -> None:
        self.level += 1
        self.bench.store.put(key, self.level)

    @rule(key=st.sampled_from(KEYS))
    def delete(self, key: str) -> None:
        self.bench.store.records.pop(key, None)

    @rule(down=st.booleans())
    def switch(self, down: bool) -> None:
        self.bench.store.down = down

    @rule(keys=look_ups)
    def look_up(self, keys: list[str]) -> None:
        now, store = self.bench.now_ms, self.bench.store
        missing = [key for key in keys if key not in self.memory or now - self.memory[key][0] >= FRESH]
        answered = True
        if missing:
            answered = False
            if now >= self.open_until:
                self.calls += 1
                if store.down:
                    self.failures += 1
                    if self.failures >= 3:
                        self.open_until = now + OPEN
                else:
                    answered = True
                    self.failures = 0
                    for key in missing:
                        self.memory[key] = (now, store.records.get(key))
        usable = [key in self.memory and now - self.memory[key][0] < STALE for key in keys]
        expected = [self.memory[key][1] if good else None for key, good in zip(keys, usable, strict=True)]
        status = "ok" if answered else "stale" if all(usable) else "degraded"
        assert self.bench.cache.lookup(keys) == (expected, status)

    @invariant()
    def the_store_was_called_as_often_as_it_should(self) -> None:
        assert len(self.bench.store.calls) == self.calls


class WithHardlyAnyRoom(RuleBasedStateMachine):
    """Whatever is forgotten when generations roll over, no answer is ever wrong or older than its status says."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(CacheSettings(entries=4))
        self.truth: dict[str, list[tuple[int, Record | None]]] = {key: [(0, None)] for key in KEYS}
        self.level = 0

    @rule(step=steps)
    def wait(self, step: int) -> None:
        self.bench.now_ms += step

    @rule(key=st.sampled_from(KEYS), delete=st.booleans())
    def change(self, key: str, delete: bool) -> None:
        self.level += 1
        if delete:
            self.bench.store.records.pop(key, None)
        else:
            self.bench.store.put(key, self.level)
        self.truth[key].append((self.bench.now_ms, self.bench.store.records.get(key)))

    @rule(down=st.booleans())
    def switch(self, down: bool) -> None:
        self.bench.store.down = down

    def _true_within(self, key: str, age_ms: int) -> list[Record | None]:
        """All that was the truth at some moment of the last `age_ms`, now included."""
        since = self.bench.now_ms - age_ms
        ends = [start for start, _ in self.truth[key][1:]] + [self.bench.now_ms + 1]
        return [value for (_, value), end in zip(self.truth[key], ends, strict=True) if end > since]

    @rule(keys=look_ups)
    def look_up(self, keys: list[str]) -> None:
        values, status = self.bench.cache.lookup(keys)
        assert len(values) == len(keys)
        assert self.bench.store.down or status == "ok" or self.bench.now_ms < self.bench.cache._open_until_ms
        age = FRESH if status == "ok" else STALE
        for key, value in zip(keys, values, strict=True):
            allowed = self._true_within(key, age)
            assert value in allowed or (value is None and status == "degraded"), (key, status)


AgainstNaiveModel.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
WithHardlyAnyRoom.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_every_answer_and_every_call_are_those_of_a_naive_cache = AgainstNaiveModel.TestCase
test_no_answer_is_wrong_after_generations_roll_over = WithHardlyAnyRoom.TestCase
