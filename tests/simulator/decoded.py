"""Helpers: simulations with decoded events and their truth."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache, cached_property

from simulator.config import SimulatorConfig
from simulator.generate import Simulation, simulate
from simulator.truth import TruthRecord
from udfs.records.codec import decode_event
from udfs.records.events import AccountChange, Event, Label, Login, Transaction
from udfs.records.profiles import UserProfile

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


@dataclass(frozen=True)
class Decoded:
    simulation: Simulation
    lines: tuple[bytes, ...]
    events: tuple[Event, ...]

    @cached_property
    def transactions(self) -> dict[str, Transaction]:
        """Transactions by id, without duplicates, in arrival order."""
        return {event.transaction_id: event for event in self.events if isinstance(event, Transaction)}

    @cached_property
    def logins(self) -> list[Login]:
        return [event for event in self.events if isinstance(event, Login)]

    @cached_property
    def account_changes(self) -> list[AccountChange]:
        return [event for event in self.events if isinstance(event, AccountChange)]

    @cached_property
    def labels(self) -> list[Label]:
        return [event for event in self.events if isinstance(event, Label)]

    @cached_property
    def truth(self) -> dict[str, TruthRecord]:
        return {record.transaction_id: record for record in self.simulation.truth}

    @cached_property
    def users(self) -> dict[str, UserProfile]:
        return {profile.user_id: profile for profile in self.simulation.reference.users}

    def by_user(self, *, fraud: bool) -> dict[str, list[Transaction]]:
        """Fraudulent or legitimate transactions of each user, by event time."""
        grouped: dict[str, list[Transaction]] = defaultdict(list)
        for identifier in sorted(self.transactions):
            if self.truth[identifier].is_fraud is fraud:
                transaction = self.transactions[identifier]
                grouped[transaction.user_id].append(transaction)
        return grouped

    def mean_amount(self, user_id: str) -> float:
        amounts = [transaction.amount for transaction in self._honest[user_id]]
        return sum(amounts) / len(amounts)

    @cached_property
    def _honest(self) -> dict[str, list[Transaction]]:
        return self.by_user(fraud=False)


@cache
def decoded(config: SimulatorConfig) -> Decoded:
    simulation = simulate(config)
    lines = tuple(simulation.events)
    return Decoded(simulation, lines, tuple(map(decode_event, lines)))


def one_month() -> Decoded:
    """All patterns, at the default fraud share, over 30 days."""
    return decoded(SimulatorConfig(users=800, days=30, seed=7))


def only(pattern: str) -> Decoded:
    """A simulation with one pattern and so few frauds that users are rarely victims twice."""
    return decoded(
        SimulatorConfig(users=1_500, days=30, seed=11, transactions=15_000, fraud_share=0.004, patterns=(pattern,))
    )


def episodes(pattern: str, within_ms: int) -> list[list[Transaction]]:
    """The pattern's frauds grouped by user, split at gaps of more than `within_ms`."""
    found: list[list[Transaction]] = []
    for transactions in only(pattern).by_user(fraud=True).values():
        newest: list[Transaction] = []
        for transaction in transactions:
            if newest and transaction.timestamp - newest[-1].timestamp > within_ms:
                found.append(newest)
                newest = []
            newest.append(transaction)
        found.append(newest)
    assert len(found) >= 3
    return found


def kilometres(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Great-circle distance by the spherical law of cosines."""
    from math import acos, cos, radians, sin

    (latitude_a, longitude_a), (latitude_b, longitude_b) = (tuple(map(radians, point)) for point in (a, b))
    cosine = sin(latitude_a) * sin(latitude_b) + cos(latitude_a) * cos(latitude_b) * cos(longitude_b - longitude_a)
    return 6_371.0088 * acos(max(-1.0, min(1.0, cosine)))


def place(transaction: Transaction) -> tuple[float, float] | None:
    if transaction.latitude is None or transaction.longitude is None:
        return None
    return transaction.latitude, transaction.longitude
