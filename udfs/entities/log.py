"""An entity's counts as a snapshot and a log of the deltas after it: an event appends one small entry.

The snapshot is rewritten once the entries reach a fixed share of its size, so the amortised cost of an event does not
depend on the size of the entity. Loading applies the entries to the snapshot with the code that counted them first.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Protocol

import msgspec

from udfs.entities.buckets import Entity
from udfs.entities.counter import COLUMNS, EntityCounter, EntityCounts
from udfs.entities.deltas import Delta, apply_delta, decode_delta
from udfs.values.time_units import HOUR_MS

FORMAT = 2
MIN_ENTRIES = 32
SIZE_TO_ENTRIES = 4  # the snapshot is rewritten when there are more entries than its size divided by this


class _Snapshot(msgspec.Struct, array_like=True):
    format: int
    counts: EntityCounts


class _CountsOfFormat1(msgspec.Struct, array_like=True):
    """Without amounts and reports: four columns per hour, and labels without the hour of the report."""

    newest_ms: int
    first_hour: int | None
    tidied_day: int
    merged_before: int
    dropped_before: int
    hours: dict[int, list[int]]
    users: dict[str, list[int]]
    labels: dict[str, tuple[int, int | None]]
    withdrawn: list[tuple[int, int]]


class _SnapshotOfFormat1(msgspec.Struct, array_like=True):
    format: int
    counts: _CountsOfFormat1


class _FormatOnly(msgspec.Struct, array_like=True):
    format: int


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Snapshot).decode
_decode_format_1 = msgspec.msgpack.Decoder(_SnapshotOfFormat1).decode
_decode_format = msgspec.msgpack.Decoder(_FormatOnly).decode


class EntityLog(Protocol):
    """State of the current key, an entity; the caller sets the key before each call. Calls may block on the backend."""

    def snapshot(self) -> bytes | None:
        """The last snapshot; None without one."""
        ...

    def entries(self) -> Iterable[bytes]:
        """The entries after the snapshot, in the order in which they were appended."""
        ...

    def append(self, entry: bytes) -> None:
        """Add an entry at the end."""
        ...

    def replace(self, snapshot: bytes) -> None:
        """Save a snapshot and drop all entries."""
        ...


class _Cached:
    __slots__ = ("counts", "entries")

    def __init__(self, counts: EntityCounts, entries: int) -> None:
        self.counts = counts
        self.entries = entries


class StoredCounts:
    """Counts of many entities over their logs, with an LRU cache of decoded ones.

    Every change is written to the log before the call returns. The log's key must be the entity passed in.
    """

    def __init__(self, log: EntityLog, counter: EntityCounter, cached_entities: int) -> None:
        self._log = log
        self._counter = counter
        self._limit = cached_entities
        self._cache: OrderedDict[Entity, _Cached] = OrderedDict()

    def add(self, entity: Entity, entry: bytes) -> EntityCounts:
        """Apply and log one encoded delta of the current entity. An error evicts the entity from the cache."""
        cached = self._load(entity)
        delta = decode_delta(entry)
        try:
            apply_delta(self._counter, entity.kind, cached.counts, delta)
            cached.entries += 1
            if cached.entries > MIN_ENTRIES and cached.entries * SIZE_TO_ENTRIES > _size(cached.counts):
                self._log.replace(encode_snapshot(cached.counts))
                cached.entries = 0
            else:
                self._log.append(entry)
        except BaseException:
            self._cache.pop(entity, None)
            raise
        return cached.counts

    def of(self, entity: Entity) -> EntityCounts:
        """The counts of the current entity."""
        return self._load(entity).counts

    def is_cached(self, entity: Entity) -> bool:
        return entity in self._cache

    def _load(self, entity: Entity) -> _Cached:
        cached = self._cache.get(entity)
        if cached is not None:
            self._cache.move_to_end(entity)
            return cached
        data = self._log.snapshot()
        counts = decode_snapshot(data) if data is not None else EntityCounts()
        entries: list[Delta] = [decode_delta(entry) for entry in self._log.entries()]
        for delta in entries:
            apply_delta(self._counter, entity.kind, counts, delta)
        cached = self._cache[entity] = _Cached(counts, len(entries))
        if len(self._cache) > self._limit:
            self._cache.popitem(last=False)
        return cached


def encode_snapshot(counts: EntityCounts) -> bytes:
    return _encode(_Snapshot(FORMAT, counts))


def decode_snapshot(data: bytes) -> EntityCounts:
    """Decode any known format. Raises msgspec.MsgspecError for other bytes, ValueError for a newer format."""
    found = _decode_format(data).format
    if found == FORMAT:
        return _decode(data).counts
    if found == 1:
        return _of_format_1(_decode_format_1(data).counts)
    raise ValueError(f"entity snapshot of format {found} is not supported; this version reads formats 1 to {FORMAT}")


def _of_format_1(old: _CountsOfFormat1) -> EntityCounts:
    newest_ms = max(old.newest_ms, max((known_ms for known_ms, _ in old.labels.values()), default=0))
    return EntityCounts(
        newest_ms=old.newest_ms,
        first_hour=old.first_hour,
        tidied_day=old.tidied_day,
        merged_before=old.merged_before,
        dropped_before=old.dropped_before,
        hours={hour: values + [0] * (COLUMNS - len(values)) for hour, values in old.hours.items()},
        users=old.users,
        labels={transaction: (*label, None) for transaction, label in old.labels.items()},
        withdrawn=old.withdrawn,
        figures_from_hour=newest_ms // HOUR_MS + 1,
    )


def _size(counts: EntityCounts) -> int:
    return len(counts.hours) + len(counts.users) + len(counts.labels)
