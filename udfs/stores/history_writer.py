"""Writes entity history to the store in batches. Rows hold absolute values, so writes are idempotent."""

from __future__ import annotations

import logging
from itertools import islice

import msgspec

from udfs.entities.buckets import BROAD_KINDS, Entity
from udfs.entities.counter import EntityCounter, EntityCounts
from udfs.stores.port import COMPLETE_THROUGH, HISTORY, CompleteThrough, StoredRecord, StoreUnavailable, StoreWriter

_log = logging.getLogger(__name__)


class HistoryWriterSettings(msgspec.Struct, frozen=True):
    """Changes are flushed after `flush_ms`; those of broad kinds, whose rows are large and change often, after
    `broad_flush_ms`.

    While the store is unavailable, flushes are retried every `retry_ms` and up to `max_waiting` entities are buffered. A
    record expires `ttl_ms` after its last change (None: never), when no reader needs it any more.
    """

    flush_ms: int = 500
    broad_flush_ms: int = 10_000
    batch: int = 500
    max_waiting: int = 200_000
    ttl_ms: int | None = None
    retry_ms: int = 1_000


class HistoryWriter:
    """Buffers the changed entities of one of `writers` job instances (`number` from 1) and writes them periodically.

    The first flush writes the number of writers too, under `complete-through:0`. Called from one thread. `failures` is a
    monotonic counter of failed flushes.
    """

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
        self._has_written = False

    @property
    def waiting(self) -> list[Entity]:
        """The entities with unwritten changes."""
        return [*self._waiting, *self._broad_waiting]

    def waits(self, entity: Entity) -> bool:
        """Whether an entity has unwritten changes."""
        return entity in self._waiting or entity in self._broad_waiting

    def wait_ms(self, entity: Entity) -> int:
        """Longest time that a change of this entity is buffered while the store is available."""
        return self.settings.broad_flush_ms if entity.kind in BROAD_KINDS else self.settings.flush_ms

    def changed(self, entity: Entity, counts: EntityCounts) -> None:
        """Mark an entity as changed. `counts` is read when it is written."""
        if entity.kind not in BROAD_KINDS:
            self._waiting[entity] = counts
        else:
            if not self._broad_waiting:
                self._broad_complete_ms = max(0, self._newest_ms - 1)  # the newest event may be the current one
            self._broad_waiting[entity] = counts
        self._newest_ms = max(self._newest_ms, counts.newest_ms)

    def flush_if_due(self, now_ms: int) -> None:
        """Write the buffered changes if a flush is due; may block on the store.

        Raises StoreUnavailable only if more than `max_waiting` entities are buffered.
        """
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
            _log.warning("store unavailable, %d changed entities buffered: %s", waiting, error)
            if waiting > self.settings.max_waiting:
                raise

    def flush(self) -> None:
        """Write all buffered changes, then the writer's progress; blocks on the store.

        Raises StoreUnavailable; changes that were not written stay buffered.
        """
        self._write(with_broad=True)

    def _write(self, with_broad: bool) -> None:
        newest_ms = self._newest_ms
        self._put_all(self._waiting)
        if with_broad:
            self._put_all(self._broad_waiting)
        complete_through_ms = self._broad_complete_ms if self._broad_waiting else newest_ms
        progress: dict[str, StoredRecord] = {
            f"{COMPLETE_THROUGH}{self._number}": CompleteThrough(self._writers, complete_through_ms)
        }
        if not self._has_written:  # not again: a store that lost its content must not look filled
            progress[f"{COMPLETE_THROUGH}0"] = CompleteThrough(self._writers, 0)
        self._store.put_many(progress, None)
        self._has_written = True

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
