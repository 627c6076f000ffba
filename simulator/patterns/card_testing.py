"""Card testing: a stolen card number is tried with micro amounts, then used for a larger payment."""

from __future__ import annotations

import numpy as np

from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import HOUR_MS, MINUTE_MS, Scene
from simulator.transactions import APPROVED, DECLINED, ECOMMERCE, concatenate


class CardTesting(FraudPattern):
    """3-7 payments of 0.50-4.99 within 15 minutes, some declined, then one of 1.5-7 x the mean within 3 hours."""

    name = "card_testing"
    weight = 1.4

    def episode(self, scene: Scene) -> Episode:
        victim = scene.victim()
        start_ms = scene.moment(victim, 4 * HOUR_MS, hours=(0.0, 24.0) if scene.chance(0.5) else None)
        tests = scene.ordinary(victim, scene.times(start_ms, scene.count(3, 7), 15 * MINUTE_MS), ECOMMERCE)
        tests.amount_minor[:] = scene.rng.integers(50, 500, len(tests))
        tests.auth_result[:] = np.where(scene.rng.random(len(tests)) < 0.35, DECLINED, APPROVED)
        tests.auth_result[-1] = APPROVED
        large_ms = int(tests.timestamp_ms[-1]) + scene.count(1, 180) * MINUTE_MS
        large = scene.ordinary(victim, np.array([min(large_ms, scene.end_ms - 1)]), ECOMMERCE)
        large.amount_minor[:] = np.maximum(1_000, scene.amounts(large, 1.5, 7.0))
        frauds = concatenate([tests, large])
        city = scene.home(victim) if scene.chance(0.4) else scene.city_away(victim, 100)
        scene.use_device(frauds, scene.fraud_device(), scene.fraud_address(city))
        scene.set_location(frauds, city)
        frauds.otp[:] = 0
        frauds.domain[:] = scene.fraud_domain(victim)
        frauds.logs_in[:] = False  # paying with a stolen card number requires no account
        return Episode(frauds=frauds)
