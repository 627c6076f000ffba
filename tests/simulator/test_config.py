"""What may be asked for."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from simulator.config import SimulatorConfig, SimulatorConfigError


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("users", 0, "users: 0 is not a whole number from 1 to 10000000"),
        ("users", True, "users: True is not a whole number"),
        ("days", 4_000, "days: 4000 is not a whole number from 1 to 3660"),
        ("seed", -1, "seed: -1 is not a whole number from 0"),
        ("start_ms", -5, "start: -5 is not a whole number from 0"),
        ("transactions", 0, "transactions: 0 is not a whole number from 1"),
        ("merchants", 10, "merchants: 10 is not a whole number from 180"),
        ("tx_per_day", float("nan"), "tx-per-day: nan is not a number from 0.01 to 10000"),
        ("fraud_share", 0.6, "fraud-share: 0.6 is not a number from 0 to 0.5"),
        ("late_share", -0.1, "late-share: -0.1 is not a number from 0 to 0.5"),
        ("patterns", (), "patterns: name at least one pattern"),
    ],
)
def test_a_value_outside_its_range_is_refused_by_name(name: str, value: object, message: str) -> None:
    with pytest.raises(SimulatorConfigError, match=message):
        SimulatorConfig(**{name: value})  # type: ignore[arg-type]


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        SimulatorConfig().users = 5  # type: ignore[misc]


def test_the_size_follows_from_users_days_and_rate_unless_it_is_given() -> None:
    assert SimulatorConfig(users=100, days=10, tx_per_day=1.5).transaction_count == 1_500
    assert SimulatorConfig(users=100, days=10, transactions=77).transaction_count == 77
    assert SimulatorConfig(users=1, days=1, tx_per_day=0.01).transaction_count == 1


def test_the_period_ends_after_its_days() -> None:
    assert SimulatorConfig(start_ms=1_000, days=2).end_ms == 1_000 + 2 * 86_400_000
