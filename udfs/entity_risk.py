"""What was known of an entity."""

from __future__ import annotations


class EntityRisk:
    """What was known of an entity as of a moment. `users` are distinct over the whole span."""

    __slots__ = ("first_seen_ms", "fraud_rates", "stale", "transactions_1d", "transactions_7d", "users_1d", "users_7d")

    def __init__(
        self,
        fraud_rates: tuple[float, ...],
        transactions_1d: int,
        transactions_7d: int,
        users_1d: int,
        users_7d: int,
        first_seen_ms: int | None,
        stale: bool,
    ) -> None:
        self.fraud_rates = fraud_rates
        self.transactions_1d = transactions_1d
        self.transactions_7d = transactions_7d
        self.users_1d = users_1d
        self.users_7d = users_7d
        self.first_seen_ms = first_seen_ms
        self.stale = stale

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EntityRisk) and self.all() == other.all()

    def __hash__(self) -> int:
        return hash(self.all())

    def __repr__(self) -> str:
        return f"EntityRisk{self.all()}"

    def all(self) -> tuple[object, ...]:
        """Every number, in the order of the constructor."""
        return (
            self.fraud_rates,
            self.transactions_1d,
            self.transactions_7d,
            self.users_1d,
            self.users_7d,
            self.first_seen_ms,
            self.stale,
        )
