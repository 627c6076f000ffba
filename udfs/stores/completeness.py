"""Tracks what a store's writers say of it: that it was filled, and how far its entity histories are complete."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from udfs.core._native import EntityHistory
from udfs.stores.port import (
    COMPLETE_THROUGH,
    LOADED,
    CompleteThrough,
    Loaded,
    Record,
    Store,
    StoreEmpty,
    Unreadable,
)

_log = logging.getLogger(__name__)
REFRESH_MS = 1_000


class CompletenessTracker:
    """Store wrapper that sets `complete_through_ms` of histories to the minimum over the store's writers.

    The writers' records are read at most every `refresh_ms`, and before the histories they apply to. Without such records
    the values of the wrapped store are used. Without `loaded:` and a writer's record the store is empty: its answers would
    say that nothing is known of anybody. A store that once had `loaded:` is empty without it, whatever a writer has written
    since; and one without the number of writers, which they write when they start, has lost its histories.
    """

    def __init__(self, store: Store, clock_ms: Callable[[], int], refresh_ms: int = REFRESH_MS) -> None:
        self._store = store
        self._clock_ms = clock_ms
        self._refresh_ms = refresh_ms
        self._next_ms: int | None = None
        self._complete_through_ms: int | None = None
        self._was_filled = True
        self._was_loaded = False

    @property
    def holds_histories(self) -> bool:
        return self._complete_through_ms is not None or self._store.holds_histories

    @property
    def complete_through_ms(self) -> int:
        known = self._complete_through_ms
        return known if known is not None else self._store.complete_through_ms

    def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
        """See Store. Raises StoreUnavailable, StoreEmpty."""
        now_ms = self._clock_ms()
        if self._next_ms is None or now_ms >= self._next_ms:
            self._refresh()
            self._next_ms = now_ms + self._refresh_ms
        records = self._store.get_many(keys)
        if self._complete_through_ms is not None:
            for record in records:
                if isinstance(record, EntityHistory):  # the row holds the writer's progress at its last change only
                    record.complete_through_ms = self._complete_through_ms
        return records

    def _refresh(self) -> None:
        """Read the writers' records; if one writer's is missing, keep the previous value.

        Raises StoreUnavailable, StoreEmpty.
        """
        first, loaded = self._store.get_many([f"{COMPLETE_THROUGH}0", LOADED])
        is_loaded = isinstance(loaded, Loaded)
        self._was_loaded |= is_loaded
        if first is None:
            self._complete_through_ms = None
        self._require_filled(is_loaded or (isinstance(first, CompleteThrough) and not self._was_loaded))
        if not isinstance(first, CompleteThrough):
            return
        keys = [f"{COMPLETE_THROUGH}{number}" for number in range(1, first.writers + 1)]
        found = [record for record in self._store.get_many(keys) if isinstance(record, CompleteThrough)]
        if len(found) == first.writers:
            self._complete_through_ms = min(record.complete_through_ms for record in found)

    def _require_filled(self, is_filled: bool) -> None:
        if self._was_filled and not is_filled:
            _log.warning("the store is empty: fill it with `fraud load`; until then decisions are `degraded`")
        self._was_filled = is_filled
        if not is_filled:
            raise StoreEmpty(f"the store is empty (it has no record {LOADED}): fill it with `fraud load`")
