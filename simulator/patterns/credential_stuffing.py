"""Credential stuffing: leaked passwords are tried automatically; payments follow a successful login."""

from __future__ import annotations

import numpy as np

from simulator.fraud_pattern import Episode, FraudPattern
from simulator.logins import Logins
from simulator.scene import HOUR_MS, MINUTE_MS, Scene
from simulator.transactions import ECOMMERCE


class CredentialStuffing(FraudPattern):
    """3-12 failed logins within 10 minutes, a successful one, then 1-4 online payments within 1 hour, 1.2-5 x the mean."""

    name = "credential_stuffing"
    weight = 1.2

    def episode(self, scene: Scene) -> Episode:
        victim = scene.victim()
        start_ms = scene.moment(victim, 2 * HOUR_MS)
        city = scene.city_away(victim, 100) if scene.chance(0.7) else scene.home(victim)
        device, address = scene.fraud_device(), scene.fraud_address(city)
        failed = scene.count(3, 12)
        attempts = scene.times(start_ms, failed + 1, 10 * MINUTE_MS)
        attempts[-1] += 1_000
        logins = Logins(
            user=np.full(failed + 1, victim),
            timestamp_ms=np.minimum(attempts, scene.end_ms - 2),
            device=np.full(failed + 1, device),
            address=np.full(failed + 1, address),
            city=np.full(failed + 1, city),
            success=np.arange(failed + 1) == failed,
        )
        first_payment_ms = min(int(logins.timestamp_ms[-1]) + scene.count(20, 1_200) * 1_000, scene.end_ms - 1)
        frauds = scene.ordinary(victim, scene.times(first_payment_ms, scene.count(1, 4), HOUR_MS), ECOMMERCE)
        frauds.amount_minor[:] = scene.amounts(frauds, 1.2, 5.0)
        frauds.logs_in[:] = False  # the session's logins are those above
        scene.use_device(frauds, device, address)
        scene.set_location(frauds, city)
        return Episode(frauds=frauds, logins=logins)
