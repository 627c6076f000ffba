"""Delays, errors and corrections of labels."""

from __future__ import annotations

from collections import defaultdict

from simulator.config import SimulatorConfig
from tests.simulator.decoded import DAY_MS, Decoded, decoded
from udfs.records.events import Label


def _long() -> Decoded:
    return decoded(SimulatorConfig(users=400, days=75, seed=9, fraud_share=0.03))


def _by_transaction(simulation: Decoded) -> dict[str, list[Label]]:
    grouped: dict[str, list[Label]] = defaultdict(list)
    for label in simulation.labels:
        grouped[label.transaction_id].append(label)
    return grouped


def test_every_fraud_older_than_30_days_has_a_label() -> None:
    simulation = _long()
    labelled = _by_transaction(simulation)
    old = simulation.simulation.config.end_ms - 30 * DAY_MS
    frauds = [record for record in simulation.truth.values() if record.is_fraud and record.timestamp < old]
    assert len(frauds) > 500
    assert all(record.transaction_id in labelled for record in frauds)


def test_label_delay_median_is_three_days() -> None:
    simulation = _long()
    old = simulation.simulation.config.end_ms - 30 * DAY_MS
    firsts = [labels[0] for labels in _by_transaction(simulation).values() if labels[0].timestamp < old]
    delays = sorted((label.known_at - label.timestamp) / DAY_MS for label in firsts)
    assert 2.7 < delays[len(delays) // 2] < 3.3
    assert 0.86 < sum(delay <= 7 for delay in delays) / len(delays) < 0.97
    assert delays[0] >= 1 / 24
    assert delays[-1] <= 30.0


def test_wrong_labels_are_corrected_by_the_newest_one() -> None:
    simulation = _long()
    old = simulation.simulation.config.end_ms - 30 * DAY_MS
    corrected, wrongly_accused = 0, 0
    for identifier, labels in _by_transaction(simulation).items():
        known = [label.known_at for label in labels]
        assert known == sorted(known)
        assert len(labels) <= 2
        if len(labels) == 2:
            corrected += 1
            wrongly_accused += labels[0].is_fraud
            assert labels[0].is_fraud != labels[1].is_fraud
            assert labels[0].event_id != labels[1].event_id
        if labels[0].timestamp < old:
            assert labels[-1].is_fraud == simulation.truth[identifier].is_fraud
    assert 0.01 < corrected / len(simulation.labels) < 0.05
    assert wrongly_accused > 0


def test_share_of_legitimate_payments_is_disputed_and_cleared() -> None:
    simulation = _long()
    cleared = [
        labels
        for identifier, labels in _by_transaction(simulation).items()
        if not simulation.truth[identifier].is_fraud
    ]
    assert 0.002 < len(cleared) / len(simulation.truth) < 0.004
    codes = {label.resolution_code for label in simulation.labels if not label.is_fraud}
    assert codes == {"not fraud", "insufficient data", "closed"}
    assert {label.resolution_code for label in simulation.labels if label.is_fraud} == {"fraud"}


def test_labels_have_their_transactions_user_merchant_and_time() -> None:
    simulation = _long()
    for label in simulation.labels:
        transaction = simulation.transactions[label.transaction_id]
        assert (label.user_id, label.merchant_id, label.timestamp) == (
            transaction.user_id,
            transaction.merchant_id,
            transaction.timestamp,
        )


def test_labels_known_after_the_end_are_omitted() -> None:
    simulation = _long()
    end_ms = simulation.simulation.config.end_ms
    assert max(label.known_at for label in simulation.labels) < end_ms
    fresh = [record for record in simulation.truth.values() if record.is_fraud and record.timestamp > end_ms - DAY_MS]
    labelled = _by_transaction(simulation)
    assert sum(record.transaction_id in labelled for record in fresh) < 0.3 * len(fresh)


def test_without_labels_transactions_are_unchanged() -> None:
    labelled, unlabelled = (decoded(SimulatorConfig(users=100, days=20, with_labels=flag)) for flag in (True, False))
    assert labelled.labels
    assert not unlabelled.labels
    assert labelled.transactions == unlabelled.transactions
