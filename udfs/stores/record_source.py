"""Where the core gets the stores' records: it keeps them itself, and asks for what it does not have.

Both sources have one interface: `fetch` gives the records of keys in their order, or None where the store does not answer;
`want` has keys read again in the background; `now` is what is true of the store from now on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any, Protocol

from udfs.stores.counters import EnrichmentCounters
from udfs.stores.memory import MemoryStore
from udfs.stores.port import UNREADABLE, Store, StoreUnavailable
from udfs.stores.refresh_ahead import RefreshAhead
from udfs.stores.settings import CacheSettings

_log = logging.getLogger(__name__)

StoreNow = tuple[int, bool, int, bool]
"""A clock that never goes back (milliseconds), whether the store holds histories, how far they are complete, and whether
there is a store, a reference file or a history at all."""
Refreshed = list[tuple[str, Any]]


class RecordSource(Protocol):
    """What the core reads records through. Called on the scorer's thread; `fetch` may block for the store's time-out."""

    def fetch(self, keys: Sequence[str]) -> list[Any] | None: ...

    def want(self, keys: Sequence[str]) -> None: ...

    def refreshed(self) -> Refreshed:
        """What was read in the background since the last call."""
        ...

    def now(self) -> StoreNow: ...

    def close(self) -> None: ...


class MemorySource:
    """Over a store in memory, which always answers and whose records are always fresh.

    Whoever changes the store tells the core which keys to forget (Core.forget_record).
    """

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    def records(self) -> Iterable[tuple[str, Any]]:
        """All of them, with their keys."""
        return self._store.records.items()

    def fetch(self, keys: Sequence[str]) -> list[Any] | None:
        return self._store.get_many(keys)

    def want(self, keys: Sequence[str]) -> None:
        """Nothing ages."""

    def refreshed(self) -> Refreshed:
        return []

    def now(self) -> StoreNow:
        store = self._store
        is_configured = store.holds_histories or bool(store.records)
        return 0, store.holds_histories, store.complete_through_ms, is_configured

    def close(self) -> None:
        """Nothing to let go of."""


class RemoteSource:
    """Over a remote store. After some failures in a row it is left alone for a moment, so that a dead store costs nothing
    but the values it would have given. The clock must never go back (time.monotonic)."""

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
        self._clock_ms = clock_ms
        self._on_close = on_close
        self._failures = 0
        self._open_until_ms: int | None = None
        self._refresh = RefreshAhead(self._read_again) if settings.refresh_ahead_ms else None
        self._refreshed: Refreshed = []
        self._refreshing = Lock()

    def fetch(self, keys: Sequence[str]) -> list[Any] | None:
        if self._is_open():
            return None
        try:
            records = self._store.get_many(keys)
        except Exception as error:
            if not isinstance(error, StoreUnavailable):  # of the adapter: a batch must not fail the job for it
                _log.error("unexpected error of the store", exc_info=error)
            self.counters.failures += 1
            self._failures += 1
            if self._failures >= self.settings.failures_to_open:
                self._open_until_ms = self._clock_ms() + self.settings.open_ms  # not counting the waiting
            return None
        self._failures = 0
        self.counters.misses += len(keys)
        self.counters.unreadable += sum(record is UNREADABLE for record in records)
        return list(records)

    def want(self, keys: Sequence[str]) -> None:
        if self._refresh is not None:
            for key in keys:
                self._refresh.schedule(key)

    def refreshed(self) -> Refreshed:
        if not self._refreshed:
            return []
        with self._refreshing:
            refreshed, self._refreshed = self._refreshed, []
        return refreshed

    def now(self) -> StoreNow:
        return self._clock_ms(), self._store.holds_histories, self._store.complete_through_ms, True

    def close(self) -> None:
        """Stop reading in the background; then `on_close`."""
        if self._refresh is not None:
            self._refresh.close()
        if self._on_close is not None:
            self._on_close()

    def _is_open(self) -> bool:
        return self._open_until_ms is not None and self._clock_ms() < self._open_until_ms

    def _read_again(self, keys: list[str]) -> None:
        """On the background thread. A failure says nothing to the breaker: the next miss will find out."""
        if self._is_open():
            return
        try:
            records = self._store.get_many(keys)
        except StoreUnavailable:
            self.counters.refresh_failures += 1
            return
        with self._refreshing:
            self._refreshed += zip(keys, records, strict=True)
        self.counters.refreshed += len(keys)
