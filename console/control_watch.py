"""Takes what comes on the control stream of the running job into the store's log, so that people are told of it."""

from __future__ import annotations

import logging
from threading import Event, Thread

from console.control_desk import ControlDesk
from console.store.control import ControlStore
from console.store.engine import Database
from console.store.errors import StoreUnavailable
from jobs.control.channel import ChannelError

LOOK_SECONDS = 10.0

_log = logging.getLogger(__name__)


class ControlWatch:
    """Looks into the control stream again and again, on a thread of its own."""

    def __init__(self, desk: ControlDesk, database: Database, look_seconds: float = LOOK_SECONDS) -> None:
        self._desk = desk
        self._log = ControlStore(database)
        self._look_seconds = look_seconds
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="control-watch", daemon=True)

    def start(self) -> None:
        """Begin. What the stream has had before a store knows of it is in the log when this returns: it is no news."""
        if self._log.newest() == 0:
            self._look()
        self._thread.start()

    def stop(self) -> None:
        """Blocks until a look that is being taken has ended."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._look_seconds):
            self._look()

    def _look(self) -> None:
        try:
            self._desk.history()
        except (ChannelError, StoreUnavailable) as error:
            _log.warning("the control stream is not looked at now: %s", error)
