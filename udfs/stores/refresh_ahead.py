"""Reads entries again shortly before they are too old, on a thread of its own, many at a time.

A look-up then seldom waits for the store: it finds what was read in the background. Which of two values a transaction
sees depends on when that was, as it does with any store that others write to; the values used are in the logged
features.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

_log = logging.getLogger(__name__)

KEYS_AT_ONCE = 100


class RefreshAhead:
    """Collects keys and hands them to `read_again` in batches. The thread starts with the first key."""

    def __init__(self, read_again: Callable[[list[str]], None], interval_ms: int = 50) -> None:
        self._read_again = read_again
        self._interval_s = interval_ms / 1_000
        self._wanted: dict[str, None] = {}
        self._closed = Event()
        self._thread: Thread | None = None

    def want(self, key: str) -> None:
        """Have a key read again soon; costs a dict's insertion."""
        self._wanted[key] = None
        if self._thread is None:
            self._thread = Thread(target=self._run, name="enrichment-refresh", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop the thread; at most the round trip under way is waited for."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._closed.wait(self._interval_s):
            wanted, self._wanted = self._wanted, {}
            keys = [*wanted.copy()]  # a copy is one step, so that a late `want` cannot disturb it
            for start in range(0, len(keys), KEYS_AT_ONCE):
                if self._closed.is_set():
                    return
                try:
                    self._read_again(keys[start : start + KEYS_AT_ONCE])
                except Exception:  # the thread must outlive what nobody expected; look-ups read for themselves then
                    _log.exception("records could not be read again in the background")
