"""What a fraud pattern is: a class that makes one episode of fraud at a time."""

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
    """One act of fraud.

    `frauds` are added and are fraud; `marked_rows` are rows of the scene's ordinary purchases that become fraud;
    `companions` are added, belong to the story and are no fraud. Any of them may be absent.
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
    """A kind of fraud. `name` equals the file's name; `weight` is its share of the fraud relative to the others.

    `episode` may be called any number of times with the same scene and must draw only from `scene.rng`. It returns an
    episode without fraud where the scene offers no occasion.
    """

    name: ClassVar[str]
    weight: ClassVar[float] = 1.0

    @abstractmethod
    def episode(self, scene: Scene) -> Episode: ...
