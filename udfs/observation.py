"""What the engine saw of one transaction."""

from __future__ import annotations

from udfs.entries import TransactionEntry, ZoneEntry
from udfs.features.context import Context
from udfs.features.values import FeatureValues
from udfs.profiles import BlockEntry
from udfs.user_state import User


class Observation:
    """A transaction with its features, not yet written."""

    __slots__ = ("blocked", "context", "entry", "features", "user", "zone")

    def __init__(
        self,
        user: User,
        entry: TransactionEntry,
        context: Context,
        features: FeatureValues,
        blocked: list[BlockEntry],
        zone: ZoneEntry | None,
    ) -> None:
        self.user = user
        self.entry = entry
        self.context = context
        self.features = features
        self.blocked = blocked
        self.zone = zone
        """The profile's timezone, if it is not the one that the user's state knows."""
