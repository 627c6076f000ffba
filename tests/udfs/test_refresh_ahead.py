"""Entries are read again in the background before they are too old, so that look-ups do not wait for the store."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from udfs.profiles import UserProfile
from udfs.stores.cache import CachedEnrichment
from udfs.stores.port import Record, StoreUnavailable
from udfs.stores.settings import CacheSettings
from udfs.system_clocks import SYSTEM_CLOCKS

SETTINGS = CacheSettings(fresh_ms=400, stale_ms=2_000, refresh_ahead_ms=250)


class WatchedStore:
    """A real, small store that remembers by which threads it was asked."""

    holds_histories = False
    complete_through_ms = 0

    def __init__(self) -> None:
        self.level = 0
        self.failure: Exception | None = None
        self.askers: list[str] = []

    def get_many(self, keys: Sequence[str]) -> list[Record | None]:
        self.askers.append(threading.current_thread().name)
        if self.failure is not None:
            raise self.failure
        return [UserProfile(user_id=key, kyc_level=self.level) for key in keys]


def level(enrichment: CachedEnrichment, key: str = "user:U1") -> int | None:
    (value,), status = enrichment.lookup([key])
    assert status == "ok"
    assert isinstance(value, UserProfile)
    return value.kyc_level


def ask_for(enrichment: CachedEnrichment, seconds: float) -> list[int | None]:
    levels, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        levels.append(level(enrichment))
        time.sleep(0.005)
    return levels


def test_a_key_in_use_is_asked_for_once_by_the_look_up_and_then_only_in_the_background() -> None:
    store = WatchedStore()
    enrichment = CachedEnrichment(store, SETTINGS, SYSTEM_CLOCKS.monotonic_ms)
    assert level(enrichment) == 0
    store.level = 1
    levels = ask_for(enrichment, 1.2)
    enrichment.close()
    assert levels == sorted(levels, key=lambda value: value or 0)
    assert levels[-1] == 1
    here = threading.current_thread().name
    assert store.askers[0] == here
    assert here not in store.askers[1:]
    assert len(store.askers) >= 4
    assert enrichment.counters.misses == 1
    assert enrichment.counters.refreshed == len(store.askers) - 1
    assert "enrichment-refresh" not in {thread.name for thread in threading.enumerate()}


def test_a_key_that_nobody_asks_for_is_left_to_grow_old() -> None:
    store = WatchedStore()
    enrichment = CachedEnrichment(store, SETTINGS, SYSTEM_CLOCKS.monotonic_ms)
    level(enrichment, "user:quiet")
    ask_for(enrichment, 0.6)
    asked = len(store.askers)
    store.level = 5
    assert level(enrichment, "user:quiet") == 5
    assert len(store.askers) == asked + 1
    enrichment.close()


def test_failures_in_the_background_are_counted_and_the_look_ups_find_out_themselves() -> None:
    for failure, counted in ((StoreUnavailable("switched off"), 1), (RuntimeError("nobody expected this"), 0)):
        store = WatchedStore()
        enrichment = CachedEnrichment(store, SETTINGS, SYSTEM_CLOCKS.monotonic_ms)
        level(enrichment)
        time.sleep(0.17)
        store.failure = failure
        level(enrichment)  # fresh, and to be read again
        time.sleep(0.12)
        assert len(store.askers) == 2
        assert enrichment.counters.refresh_failures == counted
        store.failure = StoreUnavailable("switched off")
        time.sleep(0.15)
        assert enrichment.lookup(["user:U1"])[1] == "stale"
        store.failure = None
        store.level = 9
        assert ask_for(enrichment, 0.5)[-1] == 9
        assert enrichment.counters.refreshed > 0
        enrichment.close()
