"""Keeps a process running that writes the store: writing must not delay answers."""

from __future__ import annotations

import logging
import os
import sys
from subprocess import PIPE, Popen
from threading import Event, Lock

import msgspec

from console.api.metrics import ApiMetrics
from console.intake_orders import FAILED, LAG, WRITTEN, Order
from console.repeating import Repeating

COMMAND = (sys.executable, "-m", "console.intake_process")
PAUSE_BEFORE_RESTART_SECONDS = 1.0

_log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class IntakeSupervisor:
    """Starts the process of an order, again and again until `stop`. It goes on where the store has stopped, also after a
    kill. Subclasses hear what it has done."""

    def __init__(self, order: Order, metrics: ApiMetrics) -> None:
        self._order = _encode(order).decode() + "\n"
        self._metrics = metrics
        self._stopping = Event()
        self._lock = Lock()
        self._process: Popen[str] | None = None
        self._repeating = Repeating(
            "the process that writes the store", self._supervise, 0.0,
            pause_after_failure_seconds=PAUSE_BEFORE_RESTART_SECONDS,
        )  # fmt: skip

    def start(self) -> None:
        self._repeating.start()

    def stop(self) -> None:
        """Have it end as its order says. Blocks."""
        with self._lock:
            self._stopping.set()
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.close()
        self._repeating.stop()

    def on_written(self) -> None:
        """Records are in the store."""

    def on_lag(self, records: int | None) -> None:
        """So many are not yet; None: not known."""

    def _supervise(self) -> float:
        """One process, from its start to its end; returns the seconds until the next one."""
        with self._lock:
            if self._stopping.is_set():
                return 0.0
            process = self._process = self._started()
        assert process.stdout is not None
        for line in process.stdout:
            try:
                self._hear(line)
            except Exception:  # the process goes on, so it must be heard
                _log.exception("a line of the process that writes the store was not understood")
        code = process.wait()
        process.stdout.close()
        self.on_lag(None)
        if self._stopping.is_set():
            return 0.0
        _log.warning("the process that writes the store has ended with %d; it is started again", code)
        return PAUSE_BEFORE_RESTART_SECONDS

    def _hear(self, line: str) -> None:
        what, _, number = line.partition(" ")
        if what.strip() == FAILED:
            self._metrics.store_failures.inc()
        elif what == WRITTEN:
            self._metrics.store_written.inc(int(number))
            self.on_written()
        elif what == LAG:
            self.on_lag(int(number))

    def _started(self) -> Popen[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        process = Popen(COMMAND, stdin=PIPE, stdout=PIPE, text=True, env=environment)
        assert process.stdin is not None
        try:  # not as an argument, which all users of the machine can see
            process.stdin.write(self._order)
            process.stdin.flush()
        except BrokenPipeError:
            _log.warning("the process that writes the store has ended at once")
        return process
