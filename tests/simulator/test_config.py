"""Validation of the simulator's configuration."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from simulator.config import MIN_START_MS, SimulatorConfig, SimulatorConfigError


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("users", 0, "users: 0 is not a whole number from 1 to 10000000"),
        ("users", True, "users: True is not a whole number"),
        ("days", 4_000, "days: 4000 is not a whole number from 1 to 3660"),
        ("seed", -1, "seed: -1 is not a whole number from 0"),
        ("start_ms", 0, "start: 0 is not a whole number from 315532800000"),
        ("transactions", 0, "transactions: 0 is not a whole number from 1"),
        ("merchants", 10, "merchants: 10 is not a whole number from 180"),
        ("tx_per_day", float("nan"), "tx-per-day: nan is not a number from 0.01 to 10000"),
        ("fraud_share", 0.6, "fraud-share: 0.6 is not a number from 0 to 0.5"),
        ("late_share", -0.1, "late-share: -0.1 is not a number from 0 to 0.5"),
        ("patterns", (), "patterns: at least one name is required"),
        ("start_ms", MIN_START_MS - 1, r"to 4102444800000 \(1980-01-01 to 2100-01-01\)"),
    ],
)
def test_value_outside_its_range_is_rejected_by_name(name: str, value: object, message: str) -> None:
    with pytest.raises(SimulatorConfigError, match=message):
        SimulatorConfig(**{name: value})  # type: ignore[arg-type]


def test_config_is_immutable() -> None:
    with pytest.raises(FrozenInstanceError):
        SimulatorConfig().users = 5  # type: ignore[misc]


def test_transaction_count_is_users_days_rate_unless_given() -> None:
    assert SimulatorConfig(users=100, days=10, tx_per_day=1.5).transaction_count == 1_500
    assert SimulatorConfig(users=100, days=10, transactions=77).transaction_count == 77
    assert SimulatorConfig(users=1, days=1, tx_per_day=0.01).transaction_count == 1


def test_the_period_ends_after_its_days() -> None:
    assert SimulatorConfig(start_ms=MIN_START_MS, days=2).end_ms == MIN_START_MS + 2 * 86_400_000
