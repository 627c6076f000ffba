"""High-risk merchant: spending on goods that convert easily to cash (gambling, quasi cash, jewellery, electronics)."""

from __future__ import annotations

import numpy as np

from simulator.categories import ONLINE, RISKY
from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import HOUR_MS, Scene
from simulator.transactions import ECOMMERCE


class HighRiskMerchant(FraudPattern):
    """1-3 online payments within 8 hours to merchants of risky categories, 1.5-6 x the mean."""

    name = "high_risk_merchant"

    def episode(self, scene: Scene) -> Episode:
        victim = scene.victim()
        start_ms = scene.moment(victim, 8 * HOUR_MS)
        frauds = scene.ordinary(victim, scene.times(start_ms, scene.count(1, 3), 8 * HOUR_MS), ECOMMERCE)
        shops = scene.world.merchants
        merchants = scene.merchants(len(frauds), (shops.kind == ONLINE) & RISKY[shops.category], near=victim)
        scene.pay_at(frauds, np.where(merchants >= 0, merchants, frauds.merchant))
        frauds.amount_minor[:] = scene.amounts(frauds, 1.5, 6.0)
        frauds.logs_in[:] = False
        if scene.chance(0.65):
            scene.use_device(frauds, scene.fraud_device(), scene.fraud_address(scene.home(victim)))
            frauds.domain[:] = scene.fraud_domain(victim)
        return Episode(frauds=frauds)
