"""Late night: spending during the owner's usual hours of sleep."""

from __future__ import annotations

from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import HOUR_MS, Scene
from simulator.transactions import ATM, ECOMMERCE


class LateNight(FraudPattern):
    """1-4 payments or withdrawals that begin between 00:00 and 04:00 local time, 1-4 x the mean."""

    name = "late_night"

    def episode(self, scene: Scene) -> Episode:
        victim = scene.victim()
        start_ms = scene.moment(victim, HOUR_MS, hours=(0.0, 4.0))
        times = scene.times(start_ms, scene.count(1, 4), HOUR_MS)
        withdraws = scene.chance(0.3)
        frauds = scene.ordinary(victim, times, ATM if withdraws else ECOMMERCE)
        frauds.amount_minor[:] = scene.amounts(frauds, 1.0, 4.0)
        if withdraws:
            frauds.amount_minor[:] = (frauds.amount_minor // 2_000 + 1) * 2_000
        elif scene.chance(0.6):
            scene.use_device(frauds, scene.fraud_device(), scene.fraud_address(scene.home(victim)))
        return Episode(frauds=frauds)
