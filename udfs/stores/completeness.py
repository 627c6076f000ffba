"""How far the entities' history in a store is complete, told by those who write it, over any adapter."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from udfs.entity_history import EntityHistory
from udfs.stores.port import COMPLETE_THROUGH, CompleteThrough, Record, Store, Unreadable

REFRESH_MS = 1_000


class HistoriesOf:
    """A store whose histories are complete through the least of what its writers say, asked for at most once a second.

    What writers say is read before the histories that it vouches for. Where no writer says anything,
    it is as the store itself says.
    """

    def __init__(self, store: Store, clock_ms: Callable[[], int], refresh_ms: int = REFRESH_MS) -> None:
        self._store = store
        self._clock_ms = clock_ms
        self._refresh_ms = refresh_ms
        self._next_ms: int | None = None
        self._complete_through_ms: int | None = None

    @property
    def holds_histories(self) -> bool:
        return self._complete_through_ms is not None or self._store.holds_histories

    @property
    def complete_through_ms(self) -> int:
        known = self._complete_through_ms
        return known if known is not None else self._store.complete_through_ms

    def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
        """See Store. Raises StoreUnavailable."""
        now_ms = self._clock_ms()
        if self._next_ms is None or now_ms >= self._next_ms:
            self._refresh()
            self._next_ms = now_ms + self._refresh_ms
        records = self._store.get_many(keys)
        if self._complete_through_ms is not None:
            for record in records:
                if isinstance(record, EntityHistory):  # a row says only how far its writer was when it last changed
                    record.complete_through_ms = self._complete_through_ms
        return records

    def _refresh(self) -> None:
        """Raises StoreUnavailable. A writer that has said nothing yet leaves what was known before."""
        first = self._store.get_many([f"{COMPLETE_THROUGH}0"])[0]
        if not isinstance(first, CompleteThrough):
            return
        keys = [f"{COMPLETE_THROUGH}{number}" for number in range(1, first.writers + 1)]
        said = [record for record in self._store.get_many(keys) if isinstance(record, CompleteThrough)]
        if len(said) == first.writers:
            self._complete_through_ms = min(record.complete_through_ms for record in said)
