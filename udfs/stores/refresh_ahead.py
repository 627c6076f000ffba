"""Refreshes cache entries in batches on a background thread, shortly before they expire.

Most look-ups then find a fresh entry and do not block on the store. Which of two values a transaction reads depends on
the time of the refresh, as with any store that is written concurrently; the logged features hold the values used.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Thread

_log = logging.getLogger(__name__)

KEYS_AT_ONCE = 100


class RefreshAhead:
    """Collects keys and passes them to `refresh` in batches, on a thread that the first key starts.

    `refresh` runs on that thread and may block; its errors are logged.
    """

    def __init__(self, refresh: Callable[[list[str]], None], interval_ms: int = 50) -> None:
        self._refresh = refresh
        self._interval_s = interval_ms / 1_000
        self._pending: dict[str, None] = {}
        self._closed = Event()
        self._thread: Thread | None = None

    def schedule(self, key: str) -> None:
        """Schedule a key for the next refresh; does not block."""
        self._pending[key] = None
        if self._thread is None:
            self._thread = Thread(target=self._run, name="enrichment-refresh", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop the thread; waits for the current round trip, at most 2 s."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._closed.wait(self._interval_s):
            pending, self._pending = self._pending, {}
            keys = [*pending.copy()]  # copy() is atomic, iteration is not: another thread may still add to the dict
            for start in range(0, len(keys), KEYS_AT_ONCE):
                if self._closed.is_set():
                    return
                try:
                    self._refresh(keys[start : start + KEYS_AT_ONCE])
                except Exception:  # keep the thread alive after unexpected errors; look-ups then read the store
                    _log.exception("background refresh failed")
