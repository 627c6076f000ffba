"""A terminal or web shop leaks its cards: for some days ordinary-looking payments there are fraud, whoever the user."""

from __future__ import annotations

import numpy as np

from simulator.config import DAY_MS
from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import Scene

FRAUD_SHARE_WHILE_COMPROMISED = 0.75
FEWEST, SMALL, MOST = 4, 12, 40


class MerchantCompromise(FraudPattern):
    """3-10 days at one merchant during which three quarters of everybody's payments are fraud, amounts unchanged."""

    name = "merchant_compromise"
    weight = 2.2

    def episode(self, scene: Scene) -> Episode:
        most = min(MOST, max(SMALL, scene.wanted))
        for _ in range(60):
            merchant = scene.count(0, len(scene.world.merchants) - 1)
            days = scene.count(3, 10)
            latest_ms = max(scene.start_ms, scene.end_ms - days * DAY_MS)
            start_ms = int(scene.rng.integers(scene.start_ms, latest_ms + 1))
            rows = scene.purchases_at(merchant)
            times = scene.purchases.timestamp_ms[rows]
            rows = rows[(times >= start_ms) & (times < start_ms + days * DAY_MS)]
            rows = rows[scene.rng.random(len(rows)) < FRAUD_SHARE_WHILE_COMPROMISED]
            if FEWEST <= len(rows) <= most:
                return Episode(marked_rows=np.sort(rows))
        return Episode()
