"""The port through which the API gets decisions, and the outcomes that it can have."""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from udfs.records.outputs import Action, Decision

Degraded = Literal["timeout"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with a payment.

    `decision`: the record as the job writes it; None where only action and score are known: of a repeat whose decision is
    not at hand, and of a fallback. `repeated`: the payment had been decided before, and this is what was decided then.
    `degraded`: the answer is the configured fallback, because the decision did not come in time.
    """

    user_id: str
    transaction_id: str
    action: Action
    risk_score: int | None
    decision: Decision | None = None
    repeated: bool = False
    degraded: Degraded | None = None


class AnswersError(Exception):
    """Base class of the outcomes that are no answer. The message tells the caller what to change."""


class EventRefused(AnswersError):
    """The event breaks the contract of docs/events.md, or cannot be decided; the message names the field."""


class OtherContent(AnswersError):
    """The user's transaction of this id has been decided with other content."""


class Unavailable(AnswersError):
    """No decision can be made now. `retry_after_seconds`: when to try again."""

    def __init__(self, message: str, retry_after_seconds: int) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Answers(Protocol):
    """Decides events one by one. Methods may be called concurrently from one event loop.

    Idempotent by (user_id, transaction_id): a repeat gets the first answer.
    """

    async def decide(self, payload: bytes) -> Answer:
        """The answer to one transaction, as JSON of docs/events.md.

        Returns when the answer and its effect on the user's state survive the end of this process.
        Raises EventRefused, OtherContent and Unavailable.
        """
        ...

    async def accept(self, payload: bytes) -> str:
        """Take a login, an account change or a label; returns its id. Raises EventRefused and Unavailable."""
        ...

    def is_ready(self) -> bool:
        """Would an answer be given now?"""
        ...

    async def close(self) -> None:
        """Finish what was accepted, and let go of files and connections."""
        ...
