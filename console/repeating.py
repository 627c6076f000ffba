"""A step that is taken again and again on a thread of its own, whatever becomes of one of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

PAUSE_AFTER_FAILURE_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Repeating:
    """Takes a step until `stop`. What a step raises is logged, and the next one comes after a pause: a thread that ended
    would be missed by nobody."""

    def __init__(
        self,
        name: str,
        step: Callable[[], float | None],
        pause_seconds: float,
        begins_with_pause: bool = False,
        expected: tuple[type[Exception], ...] = (),
        pause_after_failure_seconds: float = PAUSE_AFTER_FAILURE_SECONDS,
    ) -> None:
        """`step`: may return the seconds until the next one, instead of `pause_seconds`. `expected`: errors that are told
        in one line; others with their traceback."""
        self._name = name
        self._step = step
        self._pause_seconds = pause_seconds
        self._begins_with_pause = begins_with_pause
        self._expected = expected
        self._pause_after_failure_seconds = max(pause_seconds, pause_after_failure_seconds)
        self._stopping = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float | None = None) -> bool:
        """Blocks until the step that is being taken has ended, or so long; returns whether it has ended."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def take(self) -> float:
        """One step, now, on the caller's thread; returns the seconds until the next one. Raises nothing."""
        try:
            pause = self._step()
        except self._expected as error:
            _log.warning("%s: tried again in %.3g s: %s", self._name, self._pause_after_failure_seconds, error)
            return self._pause_after_failure_seconds
        except Exception:
            _log.exception(f"{self._name} failed; tried again in {self._pause_after_failure_seconds:.3g} s")
            return self._pause_after_failure_seconds
        return self._pause_seconds if pause is None else pause

    def _run(self) -> None:
        pause = self._pause_seconds if self._begins_with_pause else 0.0
        while not self._stopping.wait(pause):
            pause = self.take()
