"""Impossible travel: a cloned card is used in person far away, shortly after its owner paid at home."""

from __future__ import annotations

import numpy as np

from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import HOUR_MS, MINUTE_MS, Scene
from simulator.transactions import APPROVED, ATM, CONTACTLESS, MAGSTRIPE, POS


class ImpossibleTravel(FraudPattern):
    """A legitimate payment at home, and 15-100 minutes later 1-3 payments in person more than 2,000 km away."""

    name = "impossible_travel"

    def episode(self, scene: Scene) -> Episode:
        victim = scene.victim()
        home_ms = scene.moment(victim, 4 * HOUR_MS)
        legitimate = scene.ordinary(victim, np.array([home_ms]), POS)
        legitimate.auth_result[:] = APPROVED
        scene.pay_at(legitimate, legitimate.merchant)
        far_ms = home_ms + scene.count(15, 100) * MINUTE_MS
        times = scene.times(min(far_ms, scene.end_ms - 1), scene.count(1, 3), HOUR_MS)
        frauds = scene.ordinary(victim, times, ATM if scene.chance(0.3) else POS, scene.city_away(victim, 2_000, 0.35))
        scene.pay_at(frauds, frauds.merchant)
        if frauds.channel[0] == POS:
            frauds.amount_minor[:] = scene.amounts(frauds, 0.6, 4.0)
        frauds.entry_mode[:] = MAGSTRIPE if scene.chance(0.5) else CONTACTLESS
        return Episode(frauds=frauds, companions=legitimate)
