"""Makes digests of new alerts and crossed guardrails and delivers them, each channel on a thread of its own. What was told
is in the store: a restart goes on, also with a message that was not taken yet."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from console.notifications.channels import NotDelivered, deliver
from console.notifications.delivery_log import HOUR_MS, DeliveryLog, Due
from console.notifications.digest import digest_of
from console.notifications.settings import Channel, NotificationSettings
from console.repeating import Repeating
from console.store.engine import Database
from console.store.errors import StoreUnavailable

FIRST_RETRY_SECONDS = 2.0
LONGEST_RETRY_SECONDS = 600.0
GIVE_UP_MS = 24 * HOUR_MS
"""Age of a message after which it is not tried again."""

_log = logging.getLogger(__name__)


class Notifier:
    """One digest a channel at a time. A message may come twice after a kill, with the same id."""

    def __init__(
        self, database: Database, settings: NotificationSettings, environment: Mapping[str, str], now_ms: Callable[[], int],
        first_retry_seconds: float = FIRST_RETRY_SECONDS,
    ) -> None:  # fmt: skip
        """Alerts that come from now on are told; after a restart those since the last message. Raises StoreUnavailable."""
        self._channels = [
            _ChannelTeller(channel, settings, DeliveryLog(database, channel.name, settings), environment, now_ms,
                           first_retry_seconds)
            for channel in settings.channels
        ]  # fmt: skip

    def start(self) -> None:
        for channel in self._channels:
            channel.repeating.start()

    def stop(self) -> None:
        """Blocks until messages that are being sent have been sent, or have failed."""
        for channel in self._channels:
            channel.repeating.stop()


class _ChannelTeller:
    """Tells one channel. A message waits for the one before it."""

    def __init__(
        self, channel: Channel, settings: NotificationSettings, log: DeliveryLog, environment: Mapping[str, str],
        now_ms: Callable[[], int], first_retry_seconds: float,
    ) -> None:  # fmt: skip
        self._channel = channel
        self._address = settings.address
        self._digest_seconds = settings.digest_seconds
        self._log = log
        self._environment = environment
        self._now_ms = now_ms
        self._first_retry_seconds = first_retry_seconds
        self._waiting: Due | None = None
        self._is_first_step = True
        self.repeating = Repeating(
            f"notifications by {channel.name}", self._step, settings.digest_seconds, expected=(StoreUnavailable,),
            pause_after_failure_seconds=settings.digest_seconds,
        )  # fmt: skip

    def _step(self) -> float | None:
        if self._is_first_step:
            self._waiting = self._log.undelivered(self._now_ms())
            self._is_first_step = False
            if self._waiting is None:
                return None
        if self._waiting is None:
            self._waiting = self._log.due(self._now_ms())
        return None if self._waiting is None else self._try(self._waiting)

    def _try(self, due: Due) -> float | None:
        """Send it; returns the seconds until it is tried again."""
        attempts = due.attempts + 1
        digest = digest_of(due.rows, due.crossed, due.number, self._address)
        try:
            deliver(self._channel, digest, self._environment, lambda: self._now_ms() // 1000)
        except NotDelivered as error:
            failure = str(error)
        except Exception as error:  # a message that cannot even be made must not hold up the next ones for ever
            _log.exception(f"notification by {self._channel.name} could not be sent")
            failure = type(error).__name__
        else:
            self._log.note(due.number, attempts=attempts, failure=None, delivered_ms=self._now_ms())
            self._waiting = None
            return None
        is_given_up = self._now_ms() - due.made_ms >= GIVE_UP_MS
        told = f"given up after {attempts} tries: {failure}" if is_given_up else failure
        _log.warning("notification %d by %s failed (try %d): %s", due.number, self._channel.name, attempts, told)
        self._waiting = None if is_given_up else due._replace(attempts=attempts)
        self._log.note(due.number, attempts=attempts, failure=told)
        retry_seconds = self._first_retry_seconds * 2.0 ** min(attempts - 1, 30)
        return None if is_given_up else min(LONGEST_RETRY_SECONDS, retry_seconds)
