"""Bust-out: an account in good standing exhausts its credit within days."""

from __future__ import annotations

import numpy as np

from simulator.categories import ONLINE, category_indexes
from simulator.fraud_pattern import Episode, FraudPattern
from simulator.logins import AccountChangeDraft
from simulator.scene import HOUR_MS, MINUTE_MS, Scene
from simulator.transactions import APPROVED, DECLINED, ECOMMERCE

RESALEABLE = category_indexes("5732", "5944", "5311", "5999", "6051")


class BustOut(FraudPattern):
    """6-12 purchases of resaleable goods within 3 days, growing from 1 x to 6 x the mean; the last 1-3 are declined.

    Devices and addresses are the account's own; only the spending changes.
    """

    name = "bust_out"
    weight = 0.9

    def episode(self, scene: Scene) -> Episode:
        user = scene.victim()
        start_ms = scene.moment(user, 72 * HOUR_MS)
        count = scene.count(6, 12)
        frauds = scene.ordinary(user, scene.times(start_ms, count, 72 * HOUR_MS), ECOMMERCE)
        growth = np.linspace(1.0, 4.0, count)
        frauds.amount_minor[:] = scene.amounts(frauds, 0.7, 1.5) * growth
        shops = scene.world.merchants
        merchants = scene.merchants(count, (shops.kind == ONLINE) & np.isin(shops.category, RESALEABLE), near=user)
        scene.pay_at(frauds, np.where((merchants >= 0) & (scene.rng.random(count) < 0.7), merchants, frauds.merchant))
        frauds.auth_result[:] = APPROVED
        frauds.auth_result[count - scene.count(1, 3) :] = DECLINED
        raised: tuple[AccountChangeDraft, ...] = ()
        if scene.chance(0.4):
            changed_ms = max(scene.start_ms, start_ms - scene.count(60, 2_880) * MINUTE_MS)
            raised = (AccountChangeDraft(user, changed_ms, "active", "active", "credit limit raised", "system"),)
        return Episode(frauds=frauds, account_changes=raised)
