"""Interface of fraud patterns: each call produces one episode of fraud."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from simulator.logins import AccountChangeDraft, Logins
from simulator.transactions import Array, Transactions

if TYPE_CHECKING:
    from simulator.scene import Scene


def _no_rows() -> Array:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class Episode:
    """The output of one fraud episode; every part is optional.

    `frauds` are new fraudulent transactions; `marked_rows` (int64) are rows of the scene's ordinary purchases that
    become fraud; `companions` are new legitimate transactions of the same episode.
    """

    frauds: Transactions | None = None
    marked_rows: Array = field(default_factory=_no_rows)
    companions: Transactions | None = None
    logins: Logins | None = None
    account_changes: tuple[AccountChangeDraft, ...] = ()

    @property
    def fraud_count(self) -> int:
        return (len(self.frauds) if self.frauds is not None else 0) + len(self.marked_rows)


class FraudPattern(ABC):
    """A type of fraud. `name` must equal the file name; `weight` is its relative share of all frauds.

    Patterns are stateless and deterministic: all random draws come from `scene.rng`.
    """

    name: ClassVar[str]
    weight: ClassVar[float] = 1.0

    @abstractmethod
    def episode(self, scene: Scene) -> Episode:
        """One episode; called repeatedly with the same scene until `scene.wanted` frauds exist.

        Must not change the scene's purchases. Returns an episode without fraud where the scene offers no victims.
        """
