"""Fraud overlaps with legitimate behaviour: no single signal separates them."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from tests.simulator.decoded import one_month


def _area_under_curve(frauds: list[float], legitimate: list[float]) -> float:
    """Probability that a fraud scores above a legitimate payment (Mann-Whitney AUC, ties count half)."""
    ranked = np.sort(np.array(legitimate))
    scores = np.array(frauds)
    below = np.searchsorted(ranked, scores, side="left")
    up_to = np.searchsorted(ranked, scores, side="right")
    return float(((below + up_to) / 2).mean() / len(ranked))


def _amount_ratios() -> tuple[dict[str, list[float]], list[float]]:
    simulation = one_month()
    frauds: dict[str, list[float]] = defaultdict(list)
    legitimate: list[float] = []
    means = {user: simulation.mean_amount(user) for user in simulation.by_user(fraud=False)}
    for identifier, transaction in simulation.transactions.items():
        ratio = transaction.amount / means.get(transaction.user_id, transaction.amount)
        pattern = simulation.truth[identifier].pattern
        (legitimate if pattern is None else frauds[pattern]).append(ratio)
    return frauds, legitimate


def test_amount_alone_separates_little() -> None:
    frauds, legitimate = _amount_ratios()
    everything = [ratio for ratios in frauds.values() for ratio in ratios]
    assert 0.55 < _area_under_curve(everything, legitimate) < 0.85


def test_fraud_amounts_occur_among_legitimate_payments() -> None:
    frauds, legitimate = _amount_ratios()
    limit = float(np.quantile(legitimate, 0.995))
    for pattern, ratios in frauds.items():
        if pattern != "structuring":
            assert sum(ratio <= limit for ratio in ratios) > 0.4 * len(ratios), pattern


def test_merchant_compromise_has_ordinary_amounts() -> None:
    frauds, legitimate = _amount_ratios()
    assert 0.35 < _area_under_curve(frauds["merchant_compromise"], legitimate) < 0.65


def test_new_device_is_neither_sufficient_nor_necessary() -> None:
    simulation = one_month()
    registered = {profile.device_id for profile in simulation.simulation.reference.devices}
    online = [payment for payment in simulation.transactions.values() if payment.device_id is not None]
    unknown = {True: 0, False: 0}
    total = {True: 0, False: 0}
    for payment in online:
        fraud = simulation.truth[payment.transaction_id].is_fraud
        total[fraud] += 1
        unknown[fraud] += payment.device_id not in registered
    assert 0.2 < unknown[True] / total[True] < 0.8
    assert unknown[False] > unknown[True]


def test_ip_feed_has_false_positives_and_false_negatives() -> None:
    simulation = one_month()
    scores = {entry.ip_address: entry.ip_risk_score or 0.0 for entry in simulation.simulation.reference.ip_feed}
    risky = {True: 0, False: 0}
    total = {True: 0, False: 0}
    for payment in simulation.transactions.values():
        if payment.ip_address is not None:
            fraud = simulation.truth[payment.transaction_id].is_fraud
            total[fraud] += 1
            risky[fraud] += scores.get(payment.ip_address, 0.0) > 60
    assert 0 < risky[False] / total[False] < risky[True] / total[True] < 0.7
