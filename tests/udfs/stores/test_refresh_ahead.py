"""Background refresh of records before they expire."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from tests.udfs.stores.lookups import LookUps, SwitchedStore
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.stores.port import Record, StoreUnavailable
from udfs.stores.settings import CacheSettings

SETTINGS = CacheSettings(fresh_ms=400, stale_ms=2_000, refresh_ahead_ms=250)
KEY = "ip:a"


class WatchedStore(SwitchedStore):
    """A store that records the calling threads."""

    def __init__(self) -> None:
        super().__init__()
        self.failure: Exception | None = None
        self.askers: list[str] = []
        self.put(KEY, 0)

    def get_many(self, keys: Sequence[str]) -> list[Record | None]:
        self.askers.append(threading.current_thread().name)
        if self.failure is not None:
            raise self.failure
        return super().get_many(keys)


def opened(store: WatchedStore) -> LookUps:
    return LookUps(store, SETTINGS, SYSTEM_CLOCKS.monotonic_ms)


def level(lookups: LookUps, key: str = KEY) -> int:
    (value,), status = lookups.levels(key)
    assert status == "ok"
    assert value is not None
    return value


def ask_for(lookups: LookUps, seconds: float) -> list[int]:
    levels, until = [], time.monotonic() + seconds
    while time.monotonic() < until:
        levels.append(level(lookups))
        time.sleep(0.005)
    return levels


def test_a_key_in_use_is_refreshed_in_the_background_only() -> None:
    store = WatchedStore()
    lookups = opened(store)
    assert level(lookups) == 0
    store.put(KEY, 1)
    levels = ask_for(lookups, 1.2)
    lookups.source.close()
    assert levels == sorted(levels)
    assert levels[-1] == 1
    here = threading.current_thread().name
    assert store.askers[0] == here
    assert here not in store.askers[1:]
    assert len(store.askers) >= 4
    assert lookups.source.counters.misses == 4
    assert lookups.source.counters.refreshed == sum(map(len, store.calls[1:]))
    assert "enrichment-refresh" not in {thread.name for thread in threading.enumerate()}


def test_a_key_that_is_not_read_is_not_refreshed() -> None:
    store = WatchedStore()
    lookups = opened(store)
    store.put("ip:quiet", 2)
    level(lookups, "ip:quiet")
    ask_for(lookups, 0.6)
    assert [call for call in store.calls[1:] if "ip:quiet" in call] == []
    store.put("ip:quiet", 5)
    assert level(lookups, "ip:quiet") == 5
    assert any("ip:quiet" in call for call in store.calls[1:])
    lookups.source.close()


def test_background_failures_are_counted_and_look_ups_read_again() -> None:
    for failure, counted in ((StoreUnavailable("switched off"), 1), (RuntimeError("unexpected"), 0)):
        store = WatchedStore()
        lookups = opened(store)
        level(lookups)
        time.sleep(0.17)
        store.failure = failure
        level(lookups)  # fresh, and scheduled for a refresh
        time.sleep(0.12)
        assert len(store.askers) == 2
        assert lookups.source.counters.refresh_failures == counted
        store.failure = StoreUnavailable("switched off")
        time.sleep(0.15)
        assert lookups.levels(KEY)[1] == "stale"
        store.failure = None
        store.put(KEY, 9)
        assert ask_for(lookups, 0.5)[-1] == 9
        assert lookups.source.counters.refreshed > 0
        lookups.source.close()
