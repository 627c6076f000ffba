"""A transaction between its features and its decision."""

from __future__ import annotations

from udfs.events import Transaction
from udfs.observation import Observation
from udfs.outputs import Flag, Origin


class Undecided:
    """A transaction whose features are made and whose state is written.

    `flags` are its compliance flags, each with why, and `untold` those that the user has not had on that day before.
    """

    __slots__ = ("flags", "observation", "origin", "payload", "transaction", "untold")

    def __init__(
        self,
        transaction: Transaction,
        observation: Observation,
        origin: Origin,
        payload: bytes | None,
        flags: dict[Flag, str],
        untold: tuple[str, ...],
    ) -> None:
        self.transaction = transaction
        self.observation = observation
        self.origin = origin
        self.payload = payload
        self.flags = flags
        self.untold = untold
