"""Writing entities' history to the store in batches: absolute values, so that writing again changes nothing."""

from __future__ import annotations

import logging
from itertools import islice

import msgspec

from udfs.entity_buckets import BROAD_KINDS, Entity
from udfs.entity_counter import EntityCounter, EntityCounts
from udfs.stores.port import COMPLETE_THROUGH, HISTORY, CompleteThrough, StoredRecord, StoreUnavailable, StoreWriter

_log = logging.getLogger(__name__)


class HistoryWriterSettings(msgspec.Struct, frozen=True):
    """What changed waits at most `flush_ms`, of broad kinds, whose rows are large and change all the time, `broad_flush_ms`;
    while the store is down, up to `max_waiting` entities do.

    Records are gone `ttl_ms` after their last change: no reader asks for a history that old.
    """

    flush_ms: int = 500
    broad_flush_ms: int = 10_000
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
        self.failures = 0
        self._waiting: dict[Entity, EntityCounts] = {}
        self._broad_waiting: dict[Entity, EntityCounts] = {}
        self._store = store
        self._counter = counter
        self._number = number
        self._writers = writers
        self._newest_ms = 0
        self._broad_complete_ms = 0
        self._next_ms = 0
        self._next_broad_ms = 0

    @property
    def waiting(self) -> list[Entity]:
        """The entities that are to be written."""
        return [*self._waiting, *self._broad_waiting]

    def waits(self, entity: Entity) -> bool:
        """Is this one of them?"""
        return entity in self._waiting or entity in self._broad_waiting

    def wait_ms(self, entity: Entity) -> int:
        """How long a change of this entity waits at most."""
        return self.settings.broad_flush_ms if entity.kind in BROAD_KINDS else self.settings.flush_ms

    def changed(self, entity: Entity, counts: EntityCounts) -> None:
        """An entity to be written."""
        if entity.kind not in BROAD_KINDS:
            self._waiting[entity] = counts
        else:
            if not self._broad_waiting:
                self._broad_complete_ms = max(0, self._newest_ms - 1)  # the newest may be this very event
            self._broad_waiting[entity] = counts
        self._newest_ms = max(self._newest_ms, counts.newest_ms)

    def flush_if_due(self, now_ms: int) -> None:
        """Write what waits if the time has come. Raises StoreUnavailable only once too much waits."""
        broad_is_due = now_ms >= self._next_broad_ms and bool(self._broad_waiting)
        if now_ms < self._next_ms or not (self._waiting or broad_is_due):
            return
        try:
            self._write(with_broad=broad_is_due)
            self._next_ms = now_ms + self.settings.flush_ms
            if broad_is_due:
                self._next_broad_ms = now_ms + self.settings.broad_flush_ms
        except StoreUnavailable as error:
            self.failures += 1
            self._next_ms = now_ms + self.settings.retry_ms
            waiting = len(self.waiting)
            _log.warning("%d entities wait for the store: %s", waiting, error)
            if waiting > self.settings.max_waiting:
                raise

    def flush(self) -> None:
        """Write all that waits, then how far that is. Raises StoreUnavailable; what was not written still waits."""
        self._write(with_broad=True)

    def _write(self, with_broad: bool) -> None:
        newest_ms = self._newest_ms
        self._put_all(self._waiting)
        if with_broad:
            self._put_all(self._broad_waiting)
        complete_through_ms = self._broad_complete_ms if self._broad_waiting else newest_ms
        self._store.put_many(
            {
                f"{COMPLETE_THROUGH}{self._number}": CompleteThrough(self._writers, complete_through_ms),
                f"{COMPLETE_THROUGH}0": CompleteThrough(self._writers, 0),
            },
            None,
        )

    def _put_all(self, waiting: dict[Entity, EntityCounts]) -> None:
        entities = iter(list(waiting.items()))
        while batch := dict(islice(entities, self.settings.batch)):
            records: dict[str, StoredRecord] = {
                HISTORY[entity.kind] + entity.id: self._counter.row(entity, counts, self._newest_ms)
                for entity, counts in batch.items()
            }
            self._store.put_many(records, self.settings.ttl_ms)
            for entity in batch:
                del waiting[entity]
