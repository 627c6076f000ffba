"""Writing entities' history to the store in batches: absolute values, so that writing again changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from itertools import islice

import msgspec

from udfs.entity_buckets import Entity
from udfs.entity_counter import EntityCounter, EntityCounts
from udfs.stores.port import COMPLETE_THROUGH, HISTORY, CompleteThrough, StoredRecord, StoreUnavailable, StoreWriter

_log = logging.getLogger(__name__)


class HistoryWriterSettings(msgspec.Struct, frozen=True):
    """What changed waits at most `flush_ms`; while the store is down, up to `max_waiting` entities do.

    Records are gone `ttl_ms` after their last change: no reader asks for a history that old.
    """

    flush_ms: int = 500
    batch: int = 500
    max_waiting: int = 200_000
    ttl_ms: int | None = None
    retry_ms: int = 1_000


class HistoryWriter:
    """Collects changed entities of one of `writers` job instances (`number` from 1) and writes them now and then."""

    def __init__(
        self, store: StoreWriter, counter: EntityCounter, settings: HistoryWriterSettings, number: int, writers: int
    ) -> None:
        self.settings = settings
        self.waiting: dict[Entity, EntityCounts] = {}
        self.failures = 0
        self._store = store
        self._counter = counter
        self._number = number
        self._writers = writers
        self._complete_through_ms = 0
        self._next_ms = 0

    def changed(self, entity: Entity, counts: EntityCounts) -> None:
        """An entity to be written."""
        self.waiting[entity] = counts
        self._complete_through_ms = max(self._complete_through_ms, counts.newest_ms)

    def flush_if_due(self, now_ms: int) -> None:
        """Write what waits if the time has come. Raises StoreUnavailable only once too much waits."""
        if now_ms < self._next_ms or not self.waiting:
            return
        try:
            self.flush()
            self._next_ms = now_ms + self.settings.flush_ms
        except StoreUnavailable as error:
            self.failures += 1
            self._next_ms = now_ms + self.settings.retry_ms
            _log.warning("%d entities wait for the store: %s", len(self.waiting), error)
            if len(self.waiting) > self.settings.max_waiting:
                raise

    def flush(self) -> None:
        """Write all that waits, then how far that is. Raises StoreUnavailable; what was not written still waits."""
        complete_through_ms = self._complete_through_ms
        waiting = iter(list(self.waiting.items()))
        while batch := dict(islice(waiting, self.settings.batch)):
            self._put((entity, counts, complete_through_ms) for entity, counts in batch.items())
            for entity in batch:
                del self.waiting[entity]
        self._store.put_many(
            {
                f"{COMPLETE_THROUGH}{self._number}": CompleteThrough(self._writers, complete_through_ms),
                f"{COMPLETE_THROUGH}0": CompleteThrough(self._writers, 0),
            },
            None,
        )

    def _put(self, batch: Iterable[tuple[Entity, EntityCounts, int]]) -> None:
        records: dict[str, StoredRecord] = {
            HISTORY[entity.kind] + entity.id: self._counter.row(entity, counts, complete_through_ms)
            for entity, counts, complete_through_ms in batch
        }
        self._store.put_many(records, self.settings.ttl_ms)
