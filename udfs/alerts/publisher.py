"""Batching, retries with backoff and outcomes of buffered alerts; without Flink and network.

buffered alerts ... 10 of them or 200 ms: a call .. accepted: removed | refused: dead letter | else: retry with backoff
many alerts: call after call for 500 ms .. pause .. calls
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from udfs.alerts.message import Message, message_of
from udfs.alerts.settings import PublishSettings
from udfs.alerts.topic import AlertTopic, BatchRefused, PublishResult, TopicUnavailable

RETRY = PublishResult("retry")


class AlertCounters(msgspec.Struct):
    """Monotonic counters.

    published: alerts accepted by the topic. refused: alerts sent to the dead letters. failures: calls that failed or were
    accepted only in part. retried: alerts kept for a retry, counted at each attempt.
    """

    published: int = 0
    refused: int = 0
    failures: int = 0
    retried: int = 0


class RejectedAlert(NamedTuple):
    """An alert that the topic will never accept, and the reason."""

    alert: bytes
    reason: str


class FlushResult(NamedTuple):
    """Result of a flush: alerts to be retried, in their order, and those that will never be accepted."""

    waiting: list[bytes]
    refused: list[RejectedAlert]


class AlertPublisher:
    """Sends alerts to one topic. Keeps no durable state: after a restart it sends at once. Not thread-safe."""

    def __init__(
        self, topic: AlertTopic, settings: PublishSettings, clock_ms: Callable[[], int], random: Callable[[], float]
    ) -> None:
        """`clock_ms` must be monotonic; `random` returns numbers in [0, 1), for the jitter of the backoff."""
        self.settings = settings
        self.counters = AlertCounters()
        self.last_failure = ""
        self._topic = topic
        self._clock_ms = clock_ms
        self._random = random
        self._failures_in_a_row = 0
        self._paused_until_ms = 0

    def pause_ms(self) -> int:
        """Time until the next flush may be attempted; 0: now."""
        return max(0, self._paused_until_ms - self._clock_ms())

    def flush(self, alerts: list[bytes]) -> FlushResult:
        """Send the alerts in order for at most about `busy_ms`; stop at the first failed call.

        Blocks during the calls. After a failure, or if alerts are left, `pause_ms` is positive. Does not raise for
        failures of the topic.
        """
        until_ms = self._clock_ms() + self.settings.busy_ms
        waiting: list[tuple[bytes, Message]] = []
        refused: list[RejectedAlert] = []
        for alert in alerts:
            self._prepare(alert, waiting, refused)
        failed = False
        while waiting and not failed and self._clock_ms() <= until_ms:
            batch = self._next_batch([message for _, message in waiting])
            results = dict(zip(batch, self._publish([waiting[index][1] for index in batch]), strict=True))
            retries = [result.reason for result in results.values() if result.outcome == "retry"]
            failed = bool(retries)
            self.last_failure = next(filter(None, retries), self.last_failure)
            refused += [
                RejectedAlert(waiting[index][0], result.reason)
                for index, result in results.items()
                if result.outcome == "refused"
            ]
            self.counters.published += sum(result.outcome == "accepted" for result in results.values())
            self.counters.retried += len(retries)
            waiting = [one for index, one in enumerate(waiting) if results.get(index, RETRY).outcome == "retry"]
            self._update_backoff(failed)
        if waiting and not failed:
            self._paused_until_ms = self._clock_ms() + self.settings.rest_ms
        self.counters.refused += len(refused)
        return FlushResult([alert for alert, _ in waiting], refused)

    def _prepare(self, alert: bytes, waiting: list[tuple[bytes, Message]], refused: list[RejectedAlert]) -> None:
        try:
            message = message_of(alert)
        except ValueError as error:
            refused.append(RejectedAlert(alert, str(error)))
            return
        if message.bytes > self._topic.max_bytes:
            reason = f"the alert has {message.bytes} bytes, the topic accepts at most {self._topic.max_bytes}"
            refused.append(RejectedAlert(alert, reason))
        else:
            waiting.append((alert, message))

    def _next_batch(self, messages: Sequence[Message]) -> list[int]:
        """Indexes of the first messages that fit into one call.

        With `in_order` a call has at most one message per user, since one may be accepted without the other.
        """
        batch: list[int] = []
        groups: set[str] = set()
        size = 0
        limit = min(self.settings.batch_size, self._topic.max_messages)
        for index, message in enumerate(messages):
            if self._topic.in_order and message.group in groups:
                continue
            if len(batch) == limit or size + message.bytes > self._topic.max_bytes:
                break
            batch.append(index)
            groups.add(message.group)
            size += message.bytes
        return batch

    def _publish(self, batch: list[Message]) -> list[PublishResult]:
        """One result per message. A batch refused as a whole is sent message by message to isolate the invalid one."""
        try:
            return self._topic.publish(batch)
        except TopicUnavailable as error:
            return [PublishResult("retry", str(error))] * len(batch)
        except BatchRefused as error:
            if len(batch) == 1:
                return [PublishResult("refused", str(error))]
        results: list[PublishResult] = []
        for message in batch:
            results += self._publish([message])
            if results[-1].outcome == "retry":
                return results + [RETRY] * (len(batch) - len(results))
        return results

    def _update_backoff(self, failed: bool) -> None:
        if not failed:
            self._failures_in_a_row = 0
            return
        settings = self.settings
        pause_ms = min(settings.first_pause_ms << min(self._failures_in_a_row, 20), settings.longest_pause_ms)
        self._failures_in_a_row += 1
        self.counters.failures += 1
        self._paused_until_ms = self._clock_ms() + int(pause_ms * (0.5 + self._random() / 2))
