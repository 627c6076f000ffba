"""Geographic anomaly: online payments from a location far from home."""

from __future__ import annotations

from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import HOUR_MS, Scene
from simulator.transactions import ECOMMERCE


class GeographicAnomaly(FraudPattern):
    """1-4 online payments within 30 hours from one location more than 500 km from home, 0.7-3 x the mean."""

    name = "geographic_anomaly"

    def episode(self, scene: Scene) -> Episode:
        victim = scene.victim()
        start_ms = scene.moment(victim, 30 * HOUR_MS)
        frauds = scene.ordinary(victim, scene.times(start_ms, scene.count(1, 4), 30 * HOUR_MS), ECOMMERCE)
        frauds.amount_minor[:] = scene.amounts(frauds, 0.7, 3.0)
        city = scene.city_away(victim, 500, risky_share=0.3)
        address = scene.fraud_address(city)
        # Stolen session cookies make the device look like the owner's.
        device = int(frauds.device[0]) if scene.chance(0.3) else scene.fraud_device()
        scene.use_device(frauds, device, address)
        scene.set_location(frauds, city)
        return Episode(frauds=frauds)
