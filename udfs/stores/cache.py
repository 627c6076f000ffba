"""A cache in front of a store: fresh for a while, stale if the store is down, and never in the way.

One round trip for all missing keys of a batch, or else of a transaction; after some failures in a row the breaker
leaves the store alone for a moment, so that a dead store costs nothing but the values it would have given.

    fetched ........ fresh - refresh ahead ........ fresh .................... stale
           used         used, read again in the     read again; used if the   never
                        background                  store is down
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from threading import Lock

from udfs.outputs import EnrichmentStatus
from udfs.stores.counters import EnrichmentCounters
from udfs.stores.port import UNREADABLE, Record, Store, StoreUnavailable, Unreadable
from udfs.stores.refresh_ahead import RefreshAhead
from udfs.stores.settings import CacheSettings

Entry = tuple[int, Record | Unreadable | None, int]
"""Until when it is used without a closer look, the value, and when it was fetched."""

LOOK_CLOSER = -1


class CachedEnrichment:
    """Enrichment over a remote store. The clock must never go back (time.monotonic)."""

    def __init__(
        self,
        store: Store,
        settings: CacheSettings,
        clock_ms: Callable[[], int],
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.settings = settings
        self.counters = EnrichmentCounters()
        self._store = store
        self._on_close = on_close
        self._clock_ms = clock_ms
        self._limit = max(1, settings.entries // 2)
        self._young: dict[str, Entry] = {}
        self._old: dict[str, Entry] = {}
        self._remembering = Lock()
        self._failures = 0
        self._open_until_ms: int | None = None
        self._refresh = RefreshAhead(self._read_again) if settings.refresh_ahead_ms else None

    @property
    def holds_histories(self) -> bool:
        return self._store.holds_histories

    @property
    def complete_through_ms(self) -> int:
        return self._store.complete_through_ms

    @property
    def reads_ahead(self) -> bool:
        return True

    def lookup(self, keys: Sequence[str]) -> tuple[list[Record | None], EnrichmentStatus]:
        now_ms = self._clock_ms()
        young = self._young
        values = []
        try:
            for key in keys:
                entry = young[key]
                if entry[0] <= now_ms:
                    return self._look_closer(keys, now_ms)
                values.append(entry[1])
        except KeyError:
            return self._look_closer(keys, now_ms)
        self.counters.hits += len(values)
        return values, "ok"  # type: ignore[return-value]  # what is unreadable always gets the closer look

    def read_ahead(self, keys: Sequence[str]) -> None:
        now_ms = self._clock_ms()
        oldest_fresh_ms = now_ms - self.settings.fresh_ms
        young, old = self._young, self._old
        absent: dict[str, None] = {}
        for key in keys:
            entry = young.get(key) or old.get(key)
            if entry is None or entry[2] <= oldest_fresh_ms:
                absent[key] = None
        missing = list(absent)
        if missing and self._fetch(missing, now_ms) is not None:
            self.counters.misses += len(missing)
            self.counters.hits -= len(missing)  # as which their look-ups will be counted

    def close(self) -> None:
        """Stop reading in the background; then `on_close`."""
        if self._refresh is not None:
            self._refresh.close()
        if self._on_close is not None:
            self._on_close()

    def _look_closer(self, keys: Sequence[str], now_ms: int) -> tuple[list[Record | None], EnrichmentStatus]:
        oldest_fresh_ms = now_ms - self.settings.fresh_ms
        found = {key: self._young.get(key) or self._old.get(key) for key in keys}
        missing = [key for key, entry in found.items() if entry is None or entry[2] <= oldest_fresh_ms]
        self.counters.hits += len(keys) - len(missing)
        self.counters.misses += len(missing)
        status: EnrichmentStatus = "ok"
        if missing:
            fetched = self._fetch(missing, now_ms)
            if fetched is not None:
                found.update(fetched)
            else:
                oldest_ms = now_ms - self.settings.stale_ms
                found = {key: entry if entry and entry[2] > oldest_ms else None for key, entry in found.items()}
                status = "degraded" if None in found.values() else "stale"
        self._keep_fresh(found, missing, now_ms)
        values: list[Record | None] = []
        for key in keys:
            entry = found[key]
            value = entry[1] if entry is not None else None
            if isinstance(value, Unreadable):
                value, status = None, "degraded"
            values.append(value)
        if status == "stale":
            self.counters.stale += 1
        elif status == "degraded":
            self.counters.degraded += 1
        return values, status

    def _fetch(self, missing: list[str], now_ms: int) -> dict[str, Entry] | None:
        """Ask the store once; None if it is down or left alone."""
        if self._is_open(now_ms):
            return None
        try:
            values = self._store.get_many(missing)
        except StoreUnavailable:
            self.counters.failures += 1
            self._failures += 1
            if self._failures >= self.settings.failures_to_open:
                self._open_until_ms = self._clock_ms() + self.settings.open_ms  # not counting the waiting
            return None
        self._failures = 0
        return self._remember(zip(missing, values, strict=True), now_ms)

    def _is_open(self, now_ms: int) -> bool:
        return self._open_until_ms is not None and now_ms < self._open_until_ms

    def _remember(self, values: Iterable[tuple[str, Record | Unreadable | None]], now_ms: int) -> dict[str, Entry]:
        soon_ms = now_ms + self.settings.fresh_ms - self.settings.refresh_ahead_ms
        entries: dict[str, Entry] = {}
        for key, value in values:
            if value is UNREADABLE:
                self.counters.unreadable += 1
            entries[key] = (LOOK_CLOSER if value is UNREADABLE else soon_ms, value, now_ms)
        self._keep(entries)
        return entries

    def _keep(self, entries: dict[str, Entry]) -> None:
        with self._remembering:
            if len(self._young) + len(entries) > self._limit:
                self._old = self._young
                self._young = {}
            self._young.update(entries)

    def _keep_fresh(self, found: dict[str, Entry | None], missing: list[str], now_ms: int) -> None:
        """What is used stays in the young half, and is read again before it is too old."""
        young = self._young
        old = {
            key: entry for key, entry in found.items() if entry is not None and key not in young and key not in missing
        }
        if old:
            self._keep(old)
        if self._refresh is not None:
            for key, entry in found.items():
                if entry is not None and LOOK_CLOSER < entry[0] <= now_ms:
                    self._refresh.want(key)

    def _read_again(self, keys: list[str]) -> None:
        """On the background thread. A failure says nothing to the breaker: the next miss will find out."""
        now_ms = self._clock_ms()
        if self._is_open(now_ms):
            return
        try:
            values = self._store.get_many(keys)
        except StoreUnavailable:
            self.counters.refresh_failures += 1
            return
        self._remember(zip(keys, values, strict=True), now_ms)
        self.counters.refreshed += len(keys)
