"""Device farm: one device pays from many accounts."""

from __future__ import annotations

from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import HOUR_MS, Scene
from simulator.transactions import ECOMMERCE, TRANSFER_CHANNEL


class DeviceFarm(FraudPattern):
    """4-9 users pay from one device and address within 36 hours, once each, at 0.5-3 x their means."""

    name = "device_farm"

    def episode(self, scene: Scene) -> Episode:
        users = scene.victims(scene.count(4, 9))
        start_ms = scene.moment(int(users[0]), 36 * HOUR_MS)
        times = scene.times(start_ms, len(users), 36 * HOUR_MS)
        frauds = scene.ordinary(users, times, ECOMMERCE if scene.chance(0.7) else TRANSFER_CHANNEL)
        frauds.amount_minor[:] = scene.amounts(frauds, 0.5, 3.0)
        home = scene.home(int(users[0]))
        scene.use_device(frauds, scene.fraud_device(), scene.fraud_address(home))
        scene.set_location(frauds, home)
        return Episode(frauds=frauds)
