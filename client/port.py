"""The port through which a detector gets decisions: by HTTP (transport.py) or in this process (embedded.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from client.errors import FraudDetectorError
from client.results import Erased, Prediction

Outcome = Prediction | FraudDetectorError
"""Of one of many payments: the prediction, or why there is none."""


class Transport(Protocol):
    """One attempt a call. Payloads are JSON events of docs/events.md. Used from one event loop."""

    async def open(self) -> None:
        """Get ready for calls. Raises CannotOpen."""
        ...

    async def decide(self, payload: bytes) -> Prediction:
        """Raises EventRefused, OtherContent, NotAuthorized, RateLimited, Unavailable and ApiError."""
        ...

    async def decide_many(self, payloads: Sequence[bytes]) -> list[Outcome]:
        """The outcomes in the order of the payloads. Raises as `decide` where the whole call fails."""
        ...

    async def accept(self, payload: bytes) -> str:
        """Deliver a login, an account change or a label; returns its id. Raises as `decide`."""
        ...

    async def erase(self, user_id: str) -> Erased:
        """Forget a user, whose id is valid, and remove all records of the user. A repeat does it again.

        Raises EventRefused, NotAuthorized, RateLimited, Unavailable and ApiError.
        """
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...
