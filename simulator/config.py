"""Configuration of a simulation, validated on creation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulator.cities import CITIES

DAY_MS = 86_400_000
MIN_MERCHANTS = 4 * len(CITIES)  # two shops, an online shop and a cash machine in every city
MIN_START_MS = 315_532_800_000  # 1980-01-01; events before 1973-03-03 are refused, their times look like seconds
MAX_START_MS = 4_102_444_800_000  # 2100-01-01, well before the largest timestamp allowed in events


class SimulatorConfigError(ValueError):
    """The configuration is invalid; the message names the setting and the allowed values."""


@dataclass(frozen=True, kw_only=True)
class SimulatorConfig:
    """Size, period and shares of one simulation; equal configurations produce equal bytes.

    `start_ms` is epoch milliseconds UTC. `transactions`, where given, is the exact number of transactions and replaces
    `users * days * tx_per_day`. `patterns` are names of files in simulator/patterns, None for all. Shares are fractions
    of all transactions. Raises SimulatorConfigError for a value outside its range.
    """

    users: int = 1_000
    days: int = 30
    seed: int = 1
    start_ms: int = 1_767_225_600_000
    transactions: int | None = None
    tx_per_day: float = 2.0
    fraud_share: float = 0.006
    patterns: tuple[str, ...] | None = None
    with_labels: bool = True
    multi_currency: bool = False
    merchants: int | None = None
    late_share: float = 0.01
    duplicate_share: float = 0.001
    refund_share: float = 0.012
    cleared_label_share: float = 0.003
    wrong_label_share: float = 0.02

    def __post_init__(self) -> None:
        _require_integer("users", self.users, 1, 10_000_000)
        _require_integer("days", self.days, 1, 3_660)
        _require_integer("seed", self.seed, 0, 2**63 - 1)
        _require_integer("start", self.start_ms, MIN_START_MS, MAX_START_MS, " (1980-01-01 to 2100-01-01)")
        if self.transactions is not None:
            _require_integer("transactions", self.transactions, 1, 200_000_000)
        if self.merchants is not None:
            _require_integer("merchants", self.merchants, MIN_MERCHANTS, 10_000_000)
        _require_number("tx-per-day", self.tx_per_day, 0.01, 10_000.0)
        _require_number("fraud-share", self.fraud_share, 0.0, 0.5)
        for name in ("late_share", "duplicate_share", "refund_share", "cleared_label_share", "wrong_label_share"):
            _require_number(name.replace("_", "-"), getattr(self, name), 0.0, 0.5)
        if self.patterns is not None and not self.patterns:
            raise SimulatorConfigError("patterns: at least one name is required; omit it for all patterns")

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.days * DAY_MS

    @property
    def transaction_count(self) -> int:
        """Number of transactions including frauds and refunds, without duplicates."""
        if self.transactions is not None:
            return self.transactions
        return max(1, round(self.users * self.days * self.tx_per_day))

    @property
    def merchant_count(self) -> int:
        return self.merchants if self.merchants is not None else min(99_999, max(1_500, self.users // 4))


def _require_integer(name: str, value: int, low: int, high: int, in_words: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise SimulatorConfigError(f"{name}: {value!r} is not a whole number from {low} to {high}{in_words}")


def _require_number(name: str, value: float, low: float, high: float) -> None:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not low <= value <= high
    ):
        raise SimulatorConfigError(f"{name}: {value!r} is not a number from {low:g} to {high:g}")
