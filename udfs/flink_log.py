"""A log in Flink's keyed state: a snapshot and the entries after it, of the key that the operator is at."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from typing import Any

from pyflink.common import Time, Types
from pyflink.datastream import RuntimeContext
from pyflink.datastream.state import ListStateDescriptor, StateTtlConfig, ValueStateDescriptor

KEYS_CLEANED_AT_ONCE = 5
ENTRIES_BETWEEN_CLOCKS = 1_000
COMPACTION_DAYS = 30


class FlinkLog:
    """States `<name>-snapshot` and `<name>-entries`; whoever derives from it says how entries become a snapshot.

    The time to live only collects what no event will ask for again: expiry that matters is the core's, by event time.
    It covers both parts, counts from the last write, and must be much longer than the core's rewrite of the snapshot.
    """

    def __init__(self, context: RuntimeContext, name: str, ttl_days: int) -> None:
        snapshot = ValueStateDescriptor(f"{name}-snapshot", Types.PICKLED_BYTE_ARRAY())
        entries = ListStateDescriptor(f"{name}-entries", Types.PICKLED_BYTE_ARRAY())
        ttl = time_to_live(ttl_days)
        snapshot.enable_time_to_live(ttl)
        entries.enable_time_to_live(ttl)
        self._snapshot: Any = context.get_state(snapshot)
        self._entries: Any = context.get_list_state(entries)
        _without_pickle(self._snapshot, self._entries)

    def snapshot(self) -> bytes | None:
        data: bytes | None = self._snapshot.value()
        return data

    def entries(self) -> Iterable[bytes]:
        return self._entries.get() or ()

    def append(self, entry: bytes) -> None:
        self._entries.add(entry)


def as_written(stored: bytes) -> bytes:
    """The bytes that were written, from those of the state: snapshots and entries are msgpack arrays, which no pickle
    looks like."""
    data: bytes = pickle.loads(stored) if stored.startswith(pickle.PROTO) else stored
    return data


def _without_pickle(snapshot: Any, entries: Any) -> None:
    """Bytes go into the state as they are, where PyFlink would pickle them. Earlier versions let it."""
    from pyflink.fn_execution.embedded.converters import DataConverter, ListDataConverter  # in the operator's JVM alone

    class Bytes(DataConverter):  # type: ignore[misc]  # PyFlink's is untyped
        def to_internal(self, value: bytes | None) -> bytes | None:
            return None if value is None else as_written(value)

        def to_external(self, value: bytes) -> bytes:
            return value

    snapshot._value_converter = entries._element_converter = Bytes()
    entries._value_converter = ListDataConverter(Bytes())


def time_to_live(days: int) -> StateTtlConfig:
    """Flink's own defaults, spelled out: PyFlink makes its default for RocksDB by starting a JVM from the operator."""
    return (
        StateTtlConfig.new_builder(Time.days(days))
        .set_update_type(StateTtlConfig.UpdateType.OnCreateAndWrite)
        .set_state_visibility(StateTtlConfig.StateVisibility.NeverReturnExpired)
        .disable_cleanup_in_background()
        .cleanup_incrementally(KEYS_CLEANED_AT_ONCE, False)
        .cleanup_in_rocksdb_compact_filter(ENTRIES_BETWEEN_CLOCKS, Time.days(COMPACTION_DAYS))
        .build()
    )
