"""A cache in front of a store: fresh for a while, stale if the store is down, and never in the way.

One round trip a transaction for all missing keys; after some failures in a row the breaker leaves the store alone for
a moment, so that a dead store costs nothing but the values it would have given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from udfs.outputs import EnrichmentStatus
from udfs.stores.port import Record, Store, StoreUnavailable


class CacheSettings(msgspec.Struct, frozen=True):
    """Times in milliseconds of the clock that is passed in."""

    fresh_ms: int = 60_000
    stale_ms: int = 600_000
    entries: int = 200_000
    failures_to_open: int = 3
    open_ms: int = 1_000


class CacheCounters(msgspec.Struct):
    """State for the metrics: keys answered from memory, keys asked for, failed round trips."""

    hits: int = 0
    misses: int = 0
    failures: int = 0


class CachedEnrichment:
    """Enrichment over a remote store."""

    def __init__(self, store: Store, settings: CacheSettings, clock_ms: Callable[[], int]) -> None:
        self.settings = settings
        self.counters = CacheCounters()
        self._store = store
        self._clock_ms = clock_ms
        self._limit = max(1, settings.entries // 2)
        self._young: dict[str, tuple[int, Record | None]] = {}
        self._old: dict[str, tuple[int, Record | None]] = {}
        self._failures = 0
        self._open_until_ms = 0

    @property
    def holds_histories(self) -> bool:
        return self._store.holds_histories

    @property
    def complete_through_ms(self) -> int:
        return self._store.complete_through_ms

    def lookup(self, keys: Sequence[str]) -> tuple[list[Record | None], EnrichmentStatus]:
        now_ms = self._clock_ms()
        oldest_fresh_ms = now_ms - self.settings.fresh_ms
        found = [self._cached(key) for key in keys]
        missing = [key for key, item in zip(keys, found, strict=True) if item is None or item[0] <= oldest_fresh_ms]
        self.counters.hits += len(keys) - len(missing)
        if not missing:
            return [item[1] for item in found if item is not None], "ok"
        self.counters.misses += len(missing)
        fetched = self._fetch(missing, now_ms)
        if fetched is None:
            return self._without_store(found, now_ms)
        return [
            fetched[key] if item is None or key in fetched else item[1] for key, item in zip(keys, found, strict=True)
        ], "ok"

    def _cached(self, key: str) -> tuple[int, Record | None] | None:
        return self._young.get(key) or self._old.get(key)

    def _fetch(self, missing: list[str], now_ms: int) -> dict[str, Record | None] | None:
        """Ask the store once; None if it is down or left alone."""
        if now_ms < self._open_until_ms:
            return None
        try:
            values = self._store.get_many(missing)
        except StoreUnavailable:
            self.counters.failures += 1
            self._failures += 1
            if self._failures >= self.settings.failures_to_open:
                self._open_until_ms = now_ms + self.settings.open_ms
            return None
        self._failures = 0
        if len(self._young) + len(missing) > self._limit:
            self._old = self._young
            self._young = {}
        fetched = dict(zip(missing, values, strict=True))
        for key, value in fetched.items():
            self._young[key] = (now_ms, value)
        return fetched

    def _without_store(
        self, found: list[tuple[int, Record | None] | None], now_ms: int
    ) -> tuple[list[Record | None], EnrichmentStatus]:
        oldest_ms = now_ms - self.settings.stale_ms
        values = [item[1] if item is not None and item[0] > oldest_ms else None for item in found]
        usable = all(item is not None and item[0] > oldest_ms for item in found)
        return values, "stale" if usable else "degraded"
