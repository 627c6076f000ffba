"""Payments that arrive three days late are judged by what is known of them: unknown windows are no evidence of fraud."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.training_run import History, TrainingRun, train
from models.default_bundle import DEFAULT_BUNDLE, DEFAULT_STATISTICS
from models.settings import TrainSettings
from simulator.config import SimulatorConfig
from simulator.files import write
from simulator.generate import simulate
from tests.models.late_arrivals import LateArrivals
from udfs.records.outputs import Decision

PAYMENTS = 300


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> LateArrivals:
    return LateArrivals(tmp_path_factory.mktemp("bank"), users=320, count=PAYMENTS, seed=77)


def alerts(decisions: list[Decision]) -> int:
    return sum(decision.action != "allow" for decision in decisions)


@pytest.fixture(scope="module")
def in_time(bank: LateArrivals) -> list[Decision]:
    return bank.decisions(DEFAULT_BUNDLE, DEFAULT_STATISTICS)


@pytest.fixture(scope="module")
def late(bank: LateArrivals) -> list[Decision]:
    return bank.decisions(DEFAULT_BUNDLE, DEFAULT_STATISTICS, bank.late_order())


def test_the_same_payments_are_scored_in_time_and_late(in_time: list[Decision], late: list[Decision]) -> None:
    assert [decision.transaction_id for decision in in_time] == [decision.transaction_id for decision in late]
    assert len(in_time) == PAYMENTS
    assert not any(decision.late for decision in in_time)
    assert all(decision.late for decision in late)
    assert alerts(in_time) <= 0.02 * PAYMENTS


def test_late_payments_of_people_without_fraud_become_no_alerts(late: list[Decision]) -> None:
    assert alerts(late) <= 0.02 * PAYMENTS


@pytest.mark.long  # a minute of training
def test_a_bundle_that_learned_from_late_copies_alerts_late_payments_no_more_than_those_in_time(
    bank: LateArrivals, tmp_path: Path
) -> None:
    write(simulate(SimulatorConfig(users=900, days=40, seed=5)), tmp_path, lambda *_: None)
    history = History(tmp_path / "events.jsonl", tmp_path / "reference", tmp_path / "truth.jsonl")
    train(TrainingRun((history,), tmp_path / "bundle", TrainSettings.quick(), True, "bank", 1))
    assert alerts(bank.decisions(tmp_path / "bundle", DEFAULT_STATISTICS)) <= 0.02 * PAYMENTS
    assert alerts(bank.decisions(tmp_path / "bundle", DEFAULT_STATISTICS, bank.late_order())) <= 0.02 * PAYMENTS
