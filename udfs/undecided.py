"""A transaction between its features and its decision."""

from __future__ import annotations

from udfs.events import Transaction
from udfs.observation import Observation
from udfs.outputs import Origin


class Undecided:
    """A transaction whose features are made and whose state is written."""

    __slots__ = ("observation", "origin", "payload", "transaction")

    def __init__(
        self, transaction: Transaction, observation: Observation, origin: Origin, payload: bytes | None
    ) -> None:
        self.transaction = transaction
        self.observation = observation
        self.origin = origin
        self.payload = payload
