"""A log in Flink's keyed state: a snapshot and the entries after it, of the operator's current key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pyflink.common import Time, Types
from pyflink.datastream import RuntimeContext
from pyflink.datastream.state import ListStateDescriptor, StateTtlConfig, ValueStateDescriptor

from udfs.flink.internals import bytes_in_list, bytes_in_value

KEYS_CLEANED_AT_ONCE = 1
ENTRIES_BETWEEN_CLOCKS = 1_000
COMPACTION_DAYS = 30


class FlinkLog:
    """States `<name>-snapshot` and `<name>-entries`. Subclasses define how entries are merged into a snapshot.

    The TTL only removes state that is no longer read; expiry that affects results is by event time, in the core. The TTL
    applies to both states, counts from the last write, and must be much longer than the interval of snapshots.
    """

    def __init__(self, context: RuntimeContext, name: str, ttl_days: int) -> None:
        snapshot = ValueStateDescriptor(f"{name}-snapshot", Types.PICKLED_BYTE_ARRAY())
        entries = ListStateDescriptor(f"{name}-entries", Types.PICKLED_BYTE_ARRAY())
        ttl = time_to_live(ttl_days)
        snapshot.enable_time_to_live(ttl)
        entries.enable_time_to_live(ttl)
        self._snapshot: Any = bytes_in_value(context.get_state(snapshot))
        self._entries: Any = bytes_in_list(context.get_list_state(entries))

    def snapshot(self) -> bytes | None:
        data: bytes | None = self._snapshot.value()
        return data

    def entries(self) -> Iterable[bytes]:
        return self._entries.get() or ()

    def append(self, entry: bytes) -> None:
        self._entries.add(entry)


def time_to_live(days: int) -> StateTtlConfig:
    """TTL configuration with Flink's defaults set explicitly; PyFlink would start a JVM to read RocksDB's."""
    return (
        StateTtlConfig.new_builder(Time.days(days))
        .set_update_type(StateTtlConfig.UpdateType.OnCreateAndWrite)
        .set_state_visibility(StateTtlConfig.StateVisibility.NeverReturnExpired)
        .disable_cleanup_in_background()
        .cleanup_incrementally(KEYS_CLEANED_AT_ONCE, False)
        .cleanup_in_rocksdb_compact_filter(ENTRIES_BETWEEN_CLOCKS, Time.days(COMPACTION_DAYS))
        .build()
    )
