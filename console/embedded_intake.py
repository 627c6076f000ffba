"""Takes what the embedded scorer has logged into the store, in a thread of the same process."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from console.answers.embedded_log import newest_number
from console.api.metrics import ApiMetrics
from console.store.errors import StoreUnavailable
from console.store.intake_log import LogIntake
from console.store.store import DecisionStore

PAUSE_SECONDS = 0.1
PAUSE_AFTER_FAILURE_SECONDS = 1.0

_log = logging.getLogger(__name__)


class EmbeddedIntake:
    """One thread from a log to a store. It goes on where the store has stopped, also after a kill."""

    def __init__(
        self,
        log_path: Path,
        store: DecisionStore,
        metrics: ApiMetrics,
        on_taken: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`on_taken`: called with the number of the last record that is in the store."""
        self._log_path = log_path
        self._store = store
        self._intake = LogIntake(store, log_path)
        self._source = f"log:{log_path.resolve()}"  # its name among the store's sources
        self._metrics = metrics
        self._on_taken = on_taken
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="store-intake", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take what is in the log now, then end. Blocks."""
        self._stopping.set()
        self._thread.join()

    def lag_records(self) -> int:
        """Records of the log that are not in the store yet. Raises StoreUnavailable."""
        return max(0, newest_number(self._log_path) - self._taken_until())

    def _taken_until(self) -> int:
        return self._store.position(self._source).get(0, 1) - 1

    def _run(self) -> None:
        while True:
            is_last_round = self._stopping.is_set()
            try:
                count = self._intake.step()
                if count:
                    self._on_taken(self._taken_until())
            except Exception as error:  # whatever it is, records stay in the log and the next round tries again
                self._metrics.store_failures.inc()
                if isinstance(error, StoreUnavailable):
                    _log.warning("the store cannot be written now; records wait in the log")
                else:
                    _log.exception("records of the log could not be taken into the store")
                if is_last_round:
                    return  # the next start takes them
                self._stopping.wait(PAUSE_AFTER_FAILURE_SECONDS)
                continue
            self._metrics.store_written.inc(count)
            if count == 0 and is_last_round:
                return
            if not is_last_round:
                self._stopping.wait(PAUSE_SECONDS)
