"""The port to where alerts are published, and what can come of a call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

from udfs.alerts.message import Message


class Answer(NamedTuple):
    """What became of one message: accepted for good, refused for good (its own fault), or to be sent again."""

    outcome: Literal["accepted", "refused", "again"]
    reason: str = ""


class TopicUnavailable(RuntimeError):
    """The call failed, and not because of what was sent: nothing is known to be accepted. The message says why."""


class BatchRefused(ValueError):
    """The call was refused as a whole because of something in it. The message says why."""


class TopicError(RuntimeError):
    """The topic cannot be used before somebody changes something; the message says what."""


class AlertTopic(Protocol):
    """Takes alerts. `max_messages` and `max_bytes` are for one call; with `in_order` a user's are kept in order."""

    max_messages: int
    max_bytes: int
    in_order: bool

    def publish(self, messages: Sequence[Message]) -> list[Answer]:
        """An answer for each message. Raises TopicUnavailable, BatchRefused."""
        ...
