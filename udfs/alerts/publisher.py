"""Which waiting alerts are sent together, when it is tried again, and what may leave the buffer: no Flink, no network.

alerts wait ... 10 of them or 200 ms: a call .. accepted: gone | refused: dead letter | else: wait, with longer pauses
many alerts: call after call for 500 ms .. rest .. calls
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from udfs.alerts.message import Message, message_of
from udfs.alerts.settings import PublishSettings
from udfs.alerts.topic import AlertTopic, Answer, BatchRefused, TopicUnavailable

AGAIN = Answer("again")


class AlertCounters(msgspec.Struct):
    """Plain numbers that only grow. published, refused: alerts accepted, and given to the dead letters. failures: calls
    that failed, or accepted in part only. retried: alerts that stay to be sent again, counted each time."""

    published: int = 0
    refused: int = 0
    failures: int = 0
    retried: int = 0


class Refused(NamedTuple):
    """An alert that will never be accepted, and why."""

    alert: bytes
    reason: str


class Flushed(NamedTuple):
    """What a flush left: alerts that still wait, in their order, and those that never will be accepted."""

    waiting: list[bytes]
    refused: list[Refused]


class AlertPublisher:
    """Sends alerts to one topic. Not state: after a restart it simply tries at once."""

    def __init__(
        self, topic: AlertTopic, settings: PublishSettings, clock_ms: Callable[[], int], random: Callable[[], float]
    ) -> None:
        """`clock_ms` never goes back; `random` gives numbers from 0 to 1, for the jitter of the pauses."""
        self.settings = settings
        self.counters = AlertCounters()
        self.last_failure = ""
        self._topic = topic
        self._clock_ms = clock_ms
        self._random = random
        self._failures_in_a_row = 0
        self._silent_until_ms = 0

    def pause_ms(self) -> int:
        """How long nothing is tried yet; 0: now is a time."""
        return max(0, self._silent_until_ms - self._clock_ms())

    def flush(self, alerts: list[bytes]) -> Flushed:
        """Send as many of the alerts as are accepted within `busy_ms`, in their order; stop at the first failure.

        Where time is over before they are, `pause_ms` tells to rest.
        """
        until_ms = self._clock_ms() + self.settings.busy_ms
        waiting: list[tuple[bytes, Message]] = []
        refused: list[Refused] = []
        for alert in alerts:
            self._take(alert, waiting, refused)
        failed = False
        while waiting and not failed and self._clock_ms() <= until_ms:
            batch = self._next_batch([message for _, message in waiting])
            answers = dict(zip(batch, self._answers([waiting[place][1] for place in batch]), strict=True))
            again = [answer.reason for answer in answers.values() if answer.outcome == "again"]
            failed = bool(again)
            self.last_failure = next(filter(None, again), self.last_failure)
            refused += [
                Refused(waiting[place][0], answer.reason)
                for place, answer in answers.items()
                if answer.outcome == "refused"
            ]
            self.counters.published += sum(answer.outcome == "accepted" for answer in answers.values())
            self.counters.retried += len(again)
            waiting = [one for place, one in enumerate(waiting) if answers.get(place, AGAIN).outcome == "again"]
            self._learn(failed)
        if waiting and not failed:
            self._silent_until_ms = self._clock_ms() + self.settings.rest_ms
        self.counters.refused += len(refused)
        return Flushed([alert for alert, _ in waiting], refused)

    def _take(self, alert: bytes, waiting: list[tuple[bytes, Message]], refused: list[Refused]) -> None:
        try:
            message = message_of(alert)
        except ValueError as error:
            refused.append(Refused(alert, str(error)))
            return
        if message.bytes > self._topic.max_bytes:
            reason = f"an alert of {message.bytes} bytes is more than the {self._topic.max_bytes} that a topic takes"
            refused.append(Refused(alert, reason))
        else:
            waiting.append((alert, message))

    def _next_batch(self, messages: Sequence[Message]) -> list[int]:
        """Places of the first messages that fit one call. In order means: no two of a user in one call, since one may
        be accepted without the other."""
        batch: list[int] = []
        groups: set[str] = set()
        size = 0
        limit = min(self.settings.batch_size, self._topic.max_messages)
        for place, message in enumerate(messages):
            if self._topic.in_order and message.group in groups:
                continue
            if len(batch) == limit or size + message.bytes > self._topic.max_bytes:
                break
            batch.append(place)
            groups.add(message.group)
            size += message.bytes
        return batch

    def _answers(self, batch: list[Message]) -> list[Answer]:
        """An answer for each; where the call is refused as a whole, one by one, so that only the culprit is lost."""
        try:
            return self._topic.publish(batch)
        except TopicUnavailable as error:
            return [Answer("again", str(error))] * len(batch)
        except BatchRefused as error:
            if len(batch) == 1:
                return [Answer("refused", str(error))]
        answers: list[Answer] = []
        for message in batch:
            answers += self._answers([message])
            if answers[-1].outcome == "again":
                return answers + [AGAIN] * (len(batch) - len(answers))
        return answers

    def _learn(self, failed: bool) -> None:
        if not failed:
            self._failures_in_a_row = 0
            return
        settings = self.settings
        pause_ms = min(settings.first_pause_ms << min(self._failures_in_a_row, 20), settings.longest_pause_ms)
        self._failures_in_a_row += 1
        self.counters.failures += 1
        self._silent_until_ms = self._clock_ms() + int(pause_ms * (0.5 + self._random() / 2))
