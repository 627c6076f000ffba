"""The port of the user's state on Flink: a ValueState and a ListState of the current key."""

from __future__ import annotations

from collections.abc import Iterable

from pyflink.common import Time, Types
from pyflink.datastream import RuntimeContext
from pyflink.datastream.state import ListStateDescriptor, StateTtlConfig, ValueStateDescriptor

SNAPSHOT_STATE = "user-snapshot"
ENTRIES_STATE = "user-entries"
KEYS_CLEANED_AT_ONCE = 5
ENTRIES_BETWEEN_CLOCKS = 1_000
COMPACTION_DAYS = 30


class FlinkUserLog:
    """State of the key that the operator is at.

    The time to live only collects what no event will ask for again: expiry that matters is the core's, by event time.
    It covers both parts, counts from the last write, and must be much longer than the core's rewrite of the snapshot.
    """

    def __init__(self, context: RuntimeContext, ttl_days: int) -> None:
        snapshot = ValueStateDescriptor(SNAPSHOT_STATE, Types.PICKLED_BYTE_ARRAY())
        entries = ListStateDescriptor(ENTRIES_STATE, Types.PICKLED_BYTE_ARRAY())
        ttl = time_to_live(ttl_days)
        snapshot.enable_time_to_live(ttl)
        entries.enable_time_to_live(ttl)
        self._snapshot = context.get_state(snapshot)
        self._entries = context.get_list_state(entries)

    def snapshot(self) -> bytes | None:
        data: bytes | None = self._snapshot.value()
        return data

    def entries(self) -> Iterable[bytes]:
        entries: Iterable[bytes] = self._entries.get()
        return entries

    def append(self, entry: bytes) -> None:
        self._entries.add(entry)

    def save_snapshot(self, data: bytes) -> None:
        self._snapshot.update(data)

    def replace(self, entries: list[bytes]) -> None:
        if entries:
            self._entries.update(entries)
        else:  # Flink refuses a list state of nothing
            self._entries.clear()


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
