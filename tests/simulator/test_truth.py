"""The truth file covers exactly the transactions of the events."""

from __future__ import annotations

from collections import Counter

import pytest

from simulator.config import SimulatorConfig
from simulator.generate import simulate
from simulator.pattern_registry import discover
from tests.simulator.decoded import one_month


def test_truth_has_one_record_per_transaction() -> None:
    simulation = one_month()
    assert simulation.truth.keys() == simulation.transactions.keys()
    assert len(simulation.simulation.truth) == len(simulation.truth)
    for identifier, record in simulation.truth.items():
        transaction = simulation.transactions[identifier]
        assert (record.user_id, record.timestamp, record.amount) == (
            transaction.user_id,
            transaction.timestamp,
            transaction.amount,
        )


def test_only_frauds_have_a_pattern() -> None:
    names = set(discover())
    for record in one_month().truth.values():
        assert record.is_fraud == (record.pattern is not None)
        assert record.pattern is None or record.pattern in names


def test_every_pattern_injects_its_share_of_fraud() -> None:
    simulation = one_month()
    counts = Counter(record.pattern for record in simulation.truth.values() if record.is_fraud)
    assert set(counts) == set(discover())
    assert counts == simulation.simulation.manifest["patterns"]
    assert counts["merchant_compromise"] > counts["structuring"]


@pytest.mark.parametrize(("share", "count"), [(0.0, 5_000), (0.006, 50_000), (0.03, 20_000), (0.4, 4_000)])
def test_fraud_share_and_transaction_count_match_the_config(share: float, count: int) -> None:
    simulation = simulate(SimulatorConfig(users=500, days=20, transactions=count, fraud_share=share, seed=5))
    frauds = sum(record.is_fraud for record in simulation.truth)
    assert len(simulation.truth) == count
    assert share * count <= frauds <= share * count + 15 * (share > 0)  # the last episode may be longer than needed


def test_manifest_counts_match_the_events() -> None:
    simulation = one_month()
    counts = simulation.simulation.manifest["counts"]
    assert counts["transactions"] == len(simulation.transactions)
    assert counts["logins"] == len(simulation.logins)
    assert counts["account_changes"] == len(simulation.account_changes)
    assert counts["labels"] == len(simulation.labels)
    assert counts["lines"] == len(simulation.lines)
    assert counts["lines"] - counts["duplicates"] == sum(
        counts[kind] for kind in ("transactions", "logins", "account_changes", "labels")
    )
    assert simulation.simulation.manifest["seed"] == 7
    assert simulation.simulation.manifest["arguments"]["users"] == 800
