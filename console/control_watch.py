"""Takes what comes on the control stream of the running job into the store's log, so that people are told of it."""

from __future__ import annotations

from console.control_desk import ControlDesk
from console.repeating import Repeating
from console.store.control import ControlStore
from console.store.engine import Database
from console.store.errors import StoreUnavailable
from jobs.control.channel import ChannelError
from udfs.control.elements import ControlError

LOOK_SECONDS = 10.0


class ControlWatch:
    """Looks into the control stream again and again, on a thread of its own."""

    def __init__(self, desk: ControlDesk, database: Database, look_seconds: float = LOOK_SECONDS) -> None:
        self._desk = desk
        self._log = ControlStore(database)
        self._repeating = Repeating(
            "the look at the control stream", self._look, look_seconds, begins_with_pause=True,
            expected=(ChannelError, ControlError, StoreUnavailable), pause_after_failure_seconds=look_seconds,
        )  # fmt: skip

    def start(self) -> None:
        """Begin. What the stream has had before a store knows of it is in the log when this returns: it is no news.

        Raises StoreUnavailable.
        """
        if self._log.newest() == 0:
            self._repeating.take()
        self._repeating.start()

    def stop(self) -> None:
        """Blocks until a look that is being taken has ended."""
        self._repeating.stop()

    def _look(self) -> None:
        self._desk.history()
