"""Port of alert publishing: the topic, its results and its errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from udfs.alerts.message import Message


class PublishResult(NamedTuple):
    """Result for one message: accepted, refused permanently because of its content, or to be retried."""

    outcome: Literal["accepted", "refused", "retry"]
    reason: str = ""


class TopicUnavailable(RuntimeError):
    """The call failed for a reason other than its content; no message is known to be accepted. It can be retried."""


class BatchRefused(ValueError):
    """The call was refused as a whole because of the content of a message."""


class TopicError(RuntimeError):
    """The topic cannot be used until its configuration is corrected; the message says what to correct."""


class AlertTopic(Protocol):
    """A topic that accepts alerts. Called from one thread.

    `max_messages` and `max_bytes` are the limits of one call. With `in_order` the topic keeps the order of each message
    group, and callers must not send two messages of a group in one call.
    """

    max_messages: int
    max_bytes: int
    in_order: bool

    def publish(self, messages: Sequence[Message]) -> list[PublishResult]:
        """Send the messages in one call; blocks for at most the timeout. Returns one result per message, in order.

        Raises TopicUnavailable, BatchRefused.
        """
        ...
