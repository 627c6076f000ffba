"""Takes what the embedded scorer has logged into the store, by a process of its own: writing must not delay answers."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE, Popen
from threading import Event, Lock, Thread

from console.answers.embedded_log import newest_number
from console.api.metrics import ApiMetrics
from console.store.errors import StoreUnavailable
from console.store.intake_log import source_of
from console.store.store import DecisionStore

COMMAND = (sys.executable, "-m", "console.intake_process")
PAUSE_BEFORE_RESTART_SECONDS = 1.0

_log = logging.getLogger(__name__)


class EmbeddedIntake:
    """Keeps the process of one log and one store running. It goes on where the store has stopped, also after a kill."""

    def __init__(
        self,
        log_path: Path,
        store_url: str,
        store: DecisionStore,
        metrics: ApiMetrics,
        on_taken: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`store`: that of the URL, to ask how far it is. `on_taken`: called with the number of the last record taken."""
        self._log_path = log_path
        self._store_url = store_url
        self._store = store
        self._source = source_of(log_path)
        self._metrics = metrics
        self._on_taken = on_taken
        self._stopping = Event()
        self._lock = Lock()
        self._process: Popen[str] | None = None
        self._thread = Thread(target=self._supervise, name="store-intake", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Have it take what is in the log now, then end. Blocks."""
        with self._lock:
            self._stopping.set()
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()
        self._thread.join()

    def lag_records(self) -> int:
        """Records of the log that are not in the store yet. Raises StoreUnavailable."""
        newest = newest_number(self._log_path)
        return max(0, newest - self._taken_until())

    def _taken_until(self) -> int:
        return self._store.position(self._source).get(0, 1) - 1

    def _supervise(self) -> None:
        while True:
            with self._lock:
                if self._stopping.is_set():
                    return
                process = self._process = self._started()
            assert process.stdout is not None
            for line in process.stdout:
                count = int(line)
                if count < 0:
                    self._metrics.store_failures.inc()
                else:
                    self._metrics.store_written.inc(count)
                    self._tell_taken()
            code = process.wait()
            process.stdout.close()
            if not self._stopping.is_set():
                _log.warning("the process that writes the store has ended with %d; it is started again", code)
                self._stopping.wait(PAUSE_BEFORE_RESTART_SECONDS)

    def _tell_taken(self) -> None:
        try:
            self._on_taken(self._taken_until())
        except StoreUnavailable:
            return  # the next batch tells it

    def _started(self) -> Popen[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        process = Popen(COMMAND, stdin=PIPE, stdout=PIPE, text=True, env=environment)
        assert process.stdin is not None
        try:  # not as arguments, which all users of the machine can see
            process.stdin.write(f"{self._log_path.resolve()}\n{self._store_url}\n")
            process.stdin.flush()
        except BrokenPipeError:
            _log.warning("the process that writes the store has ended at once")
        return process
