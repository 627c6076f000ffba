"""Structuring: large sums are split so that each part stays just below a reporting threshold."""

from __future__ import annotations

from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import HOUR_MS, Scene
from simulator.transactions import TRANSFER_CHANNEL

MINOR = 100
THRESHOLDS = (50_000, 200_000)
MARGIN = 500


class Structuring(FraudPattern):
    """2-5 transfers within 5 days, each at most 500 below a threshold (50,000 mostly, or 200,000); half of them round."""

    name = "structuring"
    weight = 0.6

    def episode(self, scene: Scene) -> Episode:
        user = scene.big_spender()
        start_ms = scene.moment(user, 120 * HOUR_MS)
        frauds = scene.ordinary(user, scene.times(start_ms, scene.count(2, 5), 120 * HOUR_MS), TRANSFER_CHANNEL)
        threshold = THRESHOLDS[0] if scene.chance(0.85) else THRESHOLDS[1]
        below = scene.rng.integers(1, MARGIN * MINOR + 1, len(frauds))
        if scene.chance(0.5):
            below = (below // (100 * MINOR) + 1) * 100 * MINOR
        frauds.amount_minor[:] = threshold * MINOR - below
        if scene.chance(0.6):
            frauds.beneficiary[:] = scene.mule_account()
        return Episode(frauds=frauds)
