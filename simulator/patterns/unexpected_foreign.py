"""Unexpected foreign payments: a card whose owner is at home pays merchants abroad."""

from __future__ import annotations

import numpy as np

from simulator.categories import ONLINE, PHYSICAL
from simulator.cities import COUNTRY_OF_CITY
from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import HOUR_MS, Scene
from simulator.transactions import ECOMMERCE, MANUAL, NONE, POS


class UnexpectedForeign(FraudPattern):
    """1-4 payments within 2 days to merchants of one foreign country, 0.8-4 x the mean.

    Two thirds of episodes are key-entered at shops, half of these payments without location; the others are online.
    """

    name = "unexpected_foreign"

    def episode(self, scene: Scene) -> Episode:
        victim = scene.victim()
        start_ms = scene.moment(victim, 48 * HOUR_MS)
        times = scene.times(start_ms, scene.count(1, 4), 48 * HOUR_MS)
        typed = scene.chance(0.66)
        frauds = scene.ordinary(victim, times, POS if typed else ECOMMERCE)
        country = COUNTRY_OF_CITY[scene.foreign_city(victim, risky_share=0.5)]
        shops = scene.world.merchants
        allowed = (shops.kind == (PHYSICAL if typed else ONLINE)) & (shops.country == country)
        scene.pay_at(frauds, scene.merchants(len(frauds), allowed))
        frauds.amount_minor[:] = scene.amounts(frauds, 0.8, 4.0)
        if typed:
            frauds.entry_mode[:] = MANUAL
            frauds.city[:] = np.where(scene.rng.random(len(frauds)) < 0.5, NONE, frauds.city)
        else:
            frauds.otp[:] = 0
            scene.use_device(frauds, scene.fraud_device(), scene.fraud_address(scene.home(victim)))
        return Episode(frauds=frauds)
