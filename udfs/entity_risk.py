"""What was known of an entity."""

from __future__ import annotations

from typing import Final

NAN: Final = float("nan")


class EntityRisk:
    """What was known of an entity as of a moment. NaN: not known.

    fraud_rates: smoothed frauds / transactions, one for each of the kind's risk days; NaN where the span has no
        transaction.
    transactions_1d, transactions_7d: of the newest 24 and 168 hourly buckets. users_1d, users_7d: distinct over the whole
        span; 0 for broad kinds, for which no users are counted.
    first_seen_ms: start of the first bucket that held a transaction; None: nothing happened yet.
    stale: later arrivals may still change one of the numbers.
    frauds_reported_7d: frauds that became known in those 168 buckets and have not been cleared since.
    amount_minor_1d: sum of the amounts in those 24 buckets, minor units of the base currency.
    log_amount_mean, log_amount_deviation: mean and population standard deviation of ln(1 + amount in major units) over 30
        days; of the kind category only, NaN below 20 transactions.
    fraud_day_ms, fraud_run_ms: start of the UTC day of the newest fraud in the longest span of fraud rates, and of the
        first day of the run that it ends: days of fraud at most 7 apart. Merchants only; NaN without a fraud.
    """

    __slots__ = (
        "amount_minor_1d", "first_seen_ms", "fraud_day_ms", "fraud_rates", "fraud_run_ms", "frauds_reported_7d",
        "log_amount_deviation", "log_amount_mean", "stale", "transactions_1d", "transactions_7d", "users_1d",
        "users_7d",
    )  # fmt: skip

    def __init__(
        self,
        fraud_rates: tuple[float, ...],
        transactions_1d: int,
        transactions_7d: int,
        users_1d: int,
        users_7d: int,
        first_seen_ms: int | None,
        stale: bool,
        frauds_reported_7d: float = NAN,
        amount_minor_1d: float = NAN,
        log_amount_mean: float = NAN,
        log_amount_deviation: float = NAN,
        fraud_day_ms: float = NAN,
        fraud_run_ms: float = NAN,
    ) -> None:
        self.fraud_rates = fraud_rates
        self.transactions_1d = transactions_1d
        self.transactions_7d = transactions_7d
        self.users_1d = users_1d
        self.users_7d = users_7d
        self.first_seen_ms = first_seen_ms
        self.stale = stale
        self.frauds_reported_7d = frauds_reported_7d
        self.amount_minor_1d = amount_minor_1d
        self.log_amount_mean = log_amount_mean
        self.log_amount_deviation = log_amount_deviation
        self.fraud_day_ms = fraud_day_ms
        self.fraud_run_ms = fraud_run_ms

    def __eq__(self, other: object) -> bool:
        """The same numbers; what is not known equals what is not known."""
        return isinstance(other, EntityRisk) and _comparable(self.all()) == _comparable(other.all())

    def __hash__(self) -> int:
        return hash(_comparable(self.all()))

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
            self.frauds_reported_7d,
            self.amount_minor_1d,
            self.log_amount_mean,
            self.log_amount_deviation,
            self.fraud_day_ms,
            self.fraud_run_ms,
        )


def _comparable(numbers: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(
        _comparable(number) if isinstance(number, tuple) else "NaN" if number != number else number
        for number in numbers
    )
