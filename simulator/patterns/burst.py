"""Burst: many ordinary-looking payments within minutes, before the card is blocked."""

from __future__ import annotations

from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import HOUR_MS, MINUTE_MS, Scene
from simulator.transactions import ECOMMERCE, POS


class Burst(FraudPattern):
    """5-10 payments within 10-45 minutes at 0.5-2 x the mean, in shops or online."""

    name = "burst"

    def episode(self, scene: Scene) -> Episode:
        victim = scene.victim()
        start_ms = scene.moment(victim, HOUR_MS)
        times = scene.times(start_ms, scene.count(5, 10), scene.count(10, 45) * MINUTE_MS)
        frauds = scene.ordinary(victim, times, POS if scene.chance(0.5) else ECOMMERCE)
        frauds.amount_minor[:] = scene.amounts(frauds, 0.5, 2.0)
        frauds.logs_in[:] = False
        scene.use_device(frauds, scene.fraud_device(), scene.fraud_address(scene.home(victim)))
        return Episode(frauds=frauds)
