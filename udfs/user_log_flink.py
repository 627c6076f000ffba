"""The port of the user's state on Flink, for an operator that gives Python many users' records at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pyflink.datastream import RuntimeContext

from udfs.flink_log import FlinkLog


class FlinkUserLog(FlinkLog):
    """The log of the user of the batch's newest record, whichever user the operator is at.

    An appended entry waits: the operator writes those of a batch at half the cost. All other operations are rare.
    """

    def __init__(self, context: RuntimeContext, ttl_days: int) -> None:
        super().__init__(context, "user", ttl_days)
        self._select: Callable[[int], None]
        self._waiting: list[bytes | None] = []

    def attach(self, select: Callable[[int], None]) -> Any:
        """`select` puts the operator at the user of a record, by its place. Gives Flink's list state of the entries."""
        self._select = select
        return self._entries._state

    def next_record(self) -> None:
        """From here on the log is that of the user of the batch's next record."""
        self._waiting.append(None)

    def appended(self) -> tuple[bytes | None, ...]:
        """The entry of each record of the batch, for the operator to write before it does anything else."""
        waiting = tuple(self._waiting)
        self._waiting.clear()
        return waiting

    def append(self, entry: bytes) -> None:
        # A second one of the same record, such as a new timezone: once in a user's life.
        if self._waiting[-1] is not None:
            self.write_appended()
        self._waiting[-1] = entry

    def snapshot(self) -> bytes | None:
        self._select(len(self._waiting) - 1)
        return super().snapshot()

    def entries(self) -> Iterable[bytes]:
        self.write_appended()
        return super().entries()

    def save_snapshot(self, data: bytes) -> None:
        self._select(len(self._waiting) - 1)
        self._snapshot.update(data)

    def replace(self, entries: list[bytes]) -> None:
        self.write_appended()
        if entries:
            self._entries.update(entries)
        else:  # Flink refuses a list state of nothing
            self._entries.clear()

    def write_appended(self) -> None:
        """Write what waits. The operator is at the user of the newest record then."""
        waiting = self._waiting
        for place, entry in enumerate(waiting):
            if entry is not None:
                self._select(place)
                self._entries.add(entry)
                waiting[place] = None
        self._select(len(waiting) - 1)
