"""Refund abuse: legitimate purchases are refunded more than once or for more than they cost."""

from __future__ import annotations

import numpy as np

from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import HOUR_MS, Scene
from simulator.transactions import APPROVED, ECOMMERCE, REFUND, Transactions, concatenate


class RefundAbuse(FraudPattern):
    """1-3 legitimate purchases at one online shop, then within 8 days 2-3 refunds of each, exceeding its price in total."""

    name = "refund_abuse"

    def episode(self, scene: Scene) -> Episode:
        user = scene.victim()
        start_ms = scene.moment(user, 192 * HOUR_MS)
        times = scene.times(start_ms, scene.count(1, 3), 24 * HOUR_MS)
        legitimate = scene.ordinary(user, times, ECOMMERCE)
        legitimate.merchant[:] = legitimate.merchant[0]
        legitimate.auth_result[:] = APPROVED
        frauds = concatenate([_refunds(scene, legitimate.take(np.array([row]))) for row in range(len(legitimate))])
        return Episode(frauds=frauds, companions=legitimate)


def _refunds(scene: Scene, purchase: Transactions) -> Transactions:
    count = scene.count(2, 3)
    frauds = purchase.take(np.zeros(count, np.int64))
    left_ms = max(1, min(168 * HOUR_MS, scene.end_ms - int(purchase.timestamp_ms[0])))
    frauds.timestamp_ms[:] += np.sort(scene.rng.integers(0, left_ms, count))
    frauds.amount_minor[:] = np.ceil(frauds.amount_minor * scene.rng.uniform(0.7, 1.1, count))
    frauds.kind[:] = REFUND
    frauds.otp[:] = 0
    return frauds
