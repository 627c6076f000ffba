"""New-account fraud: accounts opened with stolen or synthetic identities spend large amounts soon."""

from __future__ import annotations

import numpy as np

from simulator.config import DAY_MS
from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import HOUR_MS, Scene
from simulator.transactions import ECOMMERCE, TRANSFER_CHANNEL

NEW_DAYS = 30


class NewAccount(FraudPattern):
    """2-6 payments within 3 days from an account that was opened less than 30 days before, 1.2-5 x its mean."""

    name = "new_account"

    def episode(self, scene: Scene) -> Episode:
        opened_ms = scene.world.users.opened_ms
        newcomers = np.flatnonzero(opened_ms > scene.start_ms - (NEW_DAYS - 5) * DAY_MS)
        if not len(newcomers):
            return Episode()
        user = int(newcomers[scene.rng.integers(len(newcomers))])
        last_ms = min(int(opened_ms[user]) + NEW_DAYS * DAY_MS, scene.end_ms)
        start_ms = scene.moment(user, 72 * HOUR_MS)
        while start_ms > last_ms - 72 * HOUR_MS and start_ms - DAY_MS > max(opened_ms[user], scene.start_ms):
            start_ms -= DAY_MS
        within_ms = min(72 * HOUR_MS, last_ms - 1 - start_ms)
        times = scene.times(start_ms, scene.count(2, 6), within_ms)
        frauds = scene.ordinary(user, times, ECOMMERCE if scene.chance(0.7) else TRANSFER_CHANNEL)
        frauds.amount_minor[:] = scene.amounts(frauds, 1.2, 5.0)
        if scene.chance(0.5):
            frauds.domain[frauds.channel == ECOMMERCE] = scene.fraud_domain(user)
        if scene.chance(0.4):
            scene.use_device(frauds, scene.fraud_device(), scene.fraud_address(scene.home(user)))
        return Episode(frauds=frauds)
