"""Reads users' profiles from a store, with a cache and retries, for a job that cannot go on without an answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from udfs.records.profiles import UserProfile
from udfs.stores.port import USER, Store, StoreUnavailable

FRESH_MS = 300_000
CACHED_USERS = 100_000
MAX_ATTEMPTS = 20


class ProfileReader:
    """LRU cache of CACHED_USERS profiles, each read again after FRESH_MS.

    `clock_ms` must be monotonic; `pause` blocks between two attempts.
    """

    def __init__(self, store: Store, clock_ms: Callable[[], int], pause: Callable[[], None]) -> None:
        self._store = store
        self._clock_ms = clock_ms
        self._pause = pause
        self._known: OrderedDict[str, tuple[int, UserProfile | None]] = OrderedDict()

    def profile_of(self, user_id: str) -> UserProfile | None:
        """The user's profile; None for a missing or unreadable one. Blocks while the store is unavailable.

        Raises StoreUnavailable after MAX_ATTEMPTS failed reads.
        """
        now_ms = self._clock_ms()
        known = self._known.get(user_id)
        if known is not None and now_ms < known[0] + FRESH_MS:
            return known[1]
        record = self._ask(USER + user_id)
        profile = record if isinstance(record, UserProfile) else None
        self._known[user_id] = (now_ms, profile)
        self._known.move_to_end(user_id)
        if len(self._known) > CACHED_USERS:
            self._known.popitem(last=False)
        return profile

    def _ask(self, key: str) -> object:
        for left in range(MAX_ATTEMPTS - 1, -1, -1):
            try:
                return self._store.get_many([key])[0]
            except StoreUnavailable:
                if not left:
                    raise
                self._pause()
        raise AssertionError("the loop ends by return or raise")
