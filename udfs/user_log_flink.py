"""The port of the user's state on Flink."""

from __future__ import annotations

from pyflink.datastream import RuntimeContext

from udfs.flink_log import FlinkLog


class FlinkUserLog(FlinkLog):
    """The log of the user that the operator is at."""

    def __init__(self, context: RuntimeContext, ttl_days: int) -> None:
        super().__init__(context, "user", ttl_days)

    def save_snapshot(self, data: bytes) -> None:
        self._snapshot.update(data)

    def replace(self, entries: list[bytes]) -> None:
        if entries:
            self._entries.update(entries)
        else:  # Flink refuses a list state of nothing
            self._entries.clear()
