"""Publishes online features from a background thread: the newest values of each user, many users in one call.

    offer ... offer ... offer ...|flush: buffered users are written|... offer ...
    (a dict insertion)            on the background thread

Best effort: values that are not written within the age limit are dropped and counted. Scoring never waits for a write.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread

from udfs.features.values import NamedValues
from udfs.stores.counters import PublisherCounters
from udfs.stores.port import OnlineFeatures, OnlineFeatureStore, StoreError, StoreUnavailable
from udfs.stores.settings import OnlineFeatureSettings

_log = logging.getLogger(__name__)

USERS_AT_ONCE = 100
MAX_AGE_MS = 200
"""Age limit of published values: at most half of it buffered, half in the write."""


class OnlineFeaturePublisher:
    """Buffers features of the operator's thread and writes them from its own, which the first `offer` starts.

    `clock_ms` must be monotonic. `on_close` is called at the end of `close`.
    """

    def __init__(
        self,
        store: OnlineFeatureStore,
        settings: OnlineFeatureSettings,
        clock_ms: Callable[[], int],
        on_close: Callable[[], None] | None = None,
    ) -> None:
        self.settings = settings
        self.counters = PublisherCounters()
        self._store = store
        self._on_close = on_close
        self._clock_ms = clock_ms
        self._waiting: dict[str, tuple[int, NamedValues]] = {}
        self._swapping = Lock()
        self._closed = Event()
        self._thread: Thread | None = None

    def offer(self, user_id: str, event_time_ms: int, features: NamedValues) -> None:
        """Buffer a user's features for publishing, unless newer ones are buffered; does not block on the store.

        `features` must not change after the call. Over `max_waiting_users` they are dropped and counted.
        """
        with self._swapping:
            waiting = self._waiting
            known = waiting.get(user_id)
            if known is None:
                if len(waiting) >= self.settings.max_waiting_users:
                    self.counters.dropped += 1
                    return
            elif known[0] > event_time_ms:
                return
            waiting[user_id] = (event_time_ms, features)
        if self._thread is None:
            self._thread = Thread(target=self._run, name="online-features", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Write the buffered features, stop the thread (waits at most 2 s), then call `on_close`."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(timeout=2)
        if self._on_close is not None:
            self._on_close()

    def _run(self) -> None:
        pause_ms = self.settings.flush_interval_ms
        closing = False
        while not closing:
            closing = self._closed.wait(pause_ms / 1_000)
            start_ms = self._clock_ms()
            with self._swapping:
                waiting, self._waiting = self._waiting, {}
            if waiting:
                self._flush(waiting, start_ms + MAX_AGE_MS // 2)
            # With a slow store the thread pauses as long as it writes, since both threads share the GIL.
            pause_ms = min(max(self.settings.flush_interval_ms, self._clock_ms() - start_ms), MAX_AGE_MS // 2)

    def _flush(self, waiting: dict[str, tuple[int, NamedValues]], until_ms: int) -> None:
        users = list(waiting.items())
        published = 0
        try:
            for start in range(0, len(users), USERS_AT_ONCE):
                if self._clock_ms() > until_ms:
                    break
                chunk = [_online(user_id, *newest) for user_id, newest in users[start : start + USERS_AT_ONCE]]
                self._store.publish(chunk, self.settings.ttl_ms)
                published += len(chunk)
        except (StoreUnavailable, StoreError) as error:
            if not self.counters.failures:
                _log.warning("online features are not published: %s", error)
            self.counters.failures += 1
        except Exception:  # keep the thread alive after unexpected errors
            _log.exception("online features could not be published")
            self.counters.failures += 1
        self.counters.published += published
        self.counters.dropped += len(users) - published


def _online(user_id: str, event_time_ms: int, features: NamedValues) -> OnlineFeatures:
    return OnlineFeatures(
        user_id,
        event_time_ms,
        _known(features["txn_count_5m"]),
        _known(features["avg_amount_1h"]),
        _known(features["foreign_country_count_1d"]),
        _known(features["velocity_score"]),
    )


def _known(value: float) -> float | None:
    return value if value == value else None  # NaN != NaN
