"""The API keys in force, kept in memory and read from the store again from time to time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from console.api.access import Caller
from console.store.access import key_hash
from console.store.rows import KeyRow

REFRESH_SECONDS = 2.0
"""After which the keys are read again. A key that was revoked elsewhere is refused after twice this time at the latest."""
LEAST_SECONDS_BETWEEN = 0.2


def keys_in_force(keys: Iterable[KeyRow]) -> dict[str, Caller]:
    """Callers by hash of their key, without those that were revoked."""
    return {key.key_hash: Caller(key.name, key.role) for key in keys if key.revoked_ms is None}


class KeyRing:
    """Finds out who has a key. Used by one event loop."""

    def __init__(self, read: Callable[[], Mapping[str, Caller]], monotonic_seconds: Callable[[], float]) -> None:
        """`read`: blocks, called on another thread; what it raises is raised by `find` if the keys are too old."""
        self._read = read
        self._now = monotonic_seconds
        self._callers: Mapping[str, Caller] = {}
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def find(self, key: str) -> Caller | None:
        """Who has this key; None if nobody."""
        age_seconds = self._now() - self._read_at
        if age_seconds > 2 * REFRESH_SECONDS:
            await self._refresh()
        elif age_seconds > REFRESH_SECONDS:
            self._start()
        hashed = key_hash(key)
        caller = self._callers.get(hashed)
        if caller is None and self._now() - self._read_at > LEAST_SECONDS_BETWEEN:  # it may have just been added
            await self._refresh()
            caller = self._callers.get(hashed)
        return caller

    async def _refresh(self) -> None:
        await asyncio.shield(self._start())

    def _start(self) -> asyncio.Task[None]:
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._load())
            self._reading.add_done_callback(_look_at_error)
        return self._reading

    async def _load(self) -> None:
        self._callers = await asyncio.to_thread(self._read)
        self._read_at = self._now()


def _look_at_error(task: asyncio.Task[None]) -> None:
    """Whoever waits gets the error; a refresh that nobody waits for is tried again by the next request."""
    if not task.cancelled():
        task.exception()
