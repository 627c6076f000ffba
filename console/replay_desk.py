"""Replays decisions for the pages, each in a process of its own: it takes nothing from answers, and can be ended."""

from __future__ import annotations

import logging
import os
import pickle
import sys
from math import ceil
from subprocess import PIPE, Popen, TimeoutExpired
from threading import BoundedSemaphore, Lock

import msgspec

from console.replay_orders import ReplayOrder, ReplaySource, Verdict

COMMAND = (sys.executable, "-m", "console.replay_process")
LIMIT_SECONDS = 20.0
"""Below the limit of a request."""
MOST_AT_ONCE = 2
_decode = msgspec.json.Decoder(Verdict).decode
_log = logging.getLogger(__name__)


class ReplaysBusy(Exception):
    """As many replays as are allowed are being made."""


class ReplayDesk:
    """Replays decisions of one store with what decides now. Thread-safe; `verdict` blocks."""

    def __init__(
        self, store_url: str, source: ReplaySource, limit_seconds: float = LIMIT_SECONDS, most_at_once: int = MOST_AT_ONCE
    ) -> None:  # fmt: skip
        self._store_url = store_url
        self._source = source
        self._limit_seconds = limit_seconds
        self._free = BoundedSemaphore(most_at_once)
        self._lock = Lock()
        self._running: set[Popen[bytes]] = set()
        self._is_closed = False

    def close(self) -> None:
        """End the replays that are being made."""
        with self._lock:
            self._is_closed = True
            for process in self._running:
                process.kill()

    def verdict(self, decision_id: str) -> Verdict:
        """Derive a decision again, and compare it with the recorded one; within the limit. Raises ReplaysBusy."""
        if not self._free.acquire(blocking=False):
            raise ReplaysBusy
        try:
            order = ReplayOrder(self._store_url, decision_id, self._source, ceil(self._limit_seconds) + 1)
            return self._answer_of(pickle.dumps(order))
        finally:
            self._free.release()

    def _answer_of(self, order: bytes) -> Verdict:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        with self._lock:
            if self._is_closed:
                raise ReplaysBusy
            process = Popen(COMMAND, stdin=PIPE, stdout=PIPE, env=environment)
            self._running.add(process)
        with process:
            try:
                answer, _ = process.communicate(order, timeout=self._limit_seconds)
            except TimeoutExpired:
                process.kill()
                return Verdict(
                    cannot=f"it took longer than {self._limit_seconds:g} s: the user has many events; use `fraud replay`"
                )
            finally:
                with self._lock:
                    self._running.discard(process)
        if process.returncode != 0:
            _log.error("the replay of a decision ended with code %d", process.returncode)
            return Verdict(cannot="the replay failed; the console's log has the cause")
        return _decode(answer)
