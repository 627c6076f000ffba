"""Takes what the embedded scorer has logged into the store, by a process of its own."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

from console.answers.embedded_log import newest_number
from console.api.metrics import ApiMetrics
from console.intake_orders import ReadLog
from console.intake_supervisor import IntakeSupervisor
from console.store.errors import StoreUnavailable
from console.store.intake_log import source_of
from console.store.store import DecisionStore

_log = logging.getLogger(__name__)


class EmbeddedIntake(IntakeSupervisor):
    """The process of one log and one store."""

    def __init__(
        self,
        log_path: Path,
        store_url: str,
        store: DecisionStore,
        metrics: ApiMetrics,
        on_taken: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`store`: that of the URL, to ask how far it is. `on_taken`: called with the number of the last record taken."""
        super().__init__(ReadLog(store_url, str(log_path.resolve())), metrics)
        self._log_path = log_path
        self._store = store
        self._source = source_of(log_path)
        self._on_taken = on_taken

    def lag_records(self) -> int | None:
        """Records of the log that are not in the store yet; None if the log cannot be read now. Raises StoreUnavailable."""
        try:
            newest = newest_number(self._log_path)
        except sqlite3.Error as error:
            _log.warning("%s: cannot be read now: %s", self._log_path, error)
            return None
        return max(0, newest - self._taken_until())

    def on_written(self) -> None:
        try:
            self._on_taken(self._taken_until())
        except StoreUnavailable:
            return  # the next batch tells it

    def _taken_until(self) -> int:
        return self._store.position(self._source).get(0, 1) - 1
