"""The user log (udfs.state) on Flink's keyed state, for batches with records of several users."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyflink.datastream import RuntimeContext

from udfs.flink.internals import java_state
from udfs.flink.keyed_log import FlinkLog


class FlinkUserLog(FlinkLog):
    """The log of the user of one of the batch's records: of the first until `go_to` names another."""

    def __init__(self, context: RuntimeContext, ttl_days: int) -> None:
        super().__init__(context, "user", ttl_days)
        self._select: Callable[[int], None]

    def attach(self, select: Callable[[int], None]) -> Any:
        """Returns Flink's Java list state of entries. `select` sets the operator's current key to that of a record, given
        its place in the batch."""
        self._select = select
        return java_state(self._entries)

    def position(self) -> int:
        """The place of a record that is a batch alone."""
        return 0

    def go_to(self, place: int) -> None:
        """From here on the log is that of the user of the record at this place."""
        self._select(place)

    def save_snapshot(self, data: bytes) -> None:
        self._snapshot.update(data)

    def replace(self, entries: list[bytes]) -> None:
        if entries:
            self._entries.update(entries)
        else:  # Flink rejects an update with an empty list
            self._entries.clear()

    def clear(self) -> None:
        self._snapshot.clear()
        self._entries.clear()
