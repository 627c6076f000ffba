"""Merchant compromise: cards used at a terminal or web shop are stolen, and payments there are fraud for some days."""

from __future__ import annotations

import numpy as np

from simulator.config import DAY_MS
from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import Scene

FRAUD_SHARE_WHILE_COMPROMISED = 0.75
MIN_FRAUDS, SMALL_EPISODE_FRAUDS, MAX_FRAUDS = 4, 12, 40


class MerchantCompromise(FraudPattern):
    """3-10 days at one merchant during which three quarters of all users' payments are fraud, amounts unchanged."""

    name = "merchant_compromise"
    weight = 2.2

    def episode(self, scene: Scene) -> Episode:
        most = min(MAX_FRAUDS, max(SMALL_EPISODE_FRAUDS, scene.wanted))
        for _ in range(60):
            merchant = scene.count(0, len(scene.world.merchants) - 1)
            days = scene.count(3, 10)
            latest_ms = max(scene.start_ms, scene.end_ms - days * DAY_MS)
            start_ms = int(scene.rng.integers(scene.start_ms, latest_ms + 1))
            rows = scene.purchases_at(merchant)
            times = scene.purchases.timestamp_ms[rows]
            rows = rows[(times >= start_ms) & (times < start_ms + days * DAY_MS)]
            rows = rows[scene.rng.random(len(rows)) < FRAUD_SHARE_WHILE_COMPROMISED]
            if MIN_FRAUDS <= len(rows) <= most:
                return Episode(marked_rows=np.sort(rows))
        return Episode()
