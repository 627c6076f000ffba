"""Overdraft attempts: amounts above the balance are declined, followed by smaller ones until one is approved."""

from __future__ import annotations

import numpy as np

from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import HOUR_MS, Scene
from simulator.transactions import APPROVED, ATM, DECLINED, ECOMMERCE, TRANSFER_CHANNEL


class OverdraftAttempts(FraudPattern):
    """2-5 declined payments within 1 hour, each smaller than the one before, then an approved one at 0.8-3 x the mean."""

    name = "overdraft_attempts"
    weight = 0.8

    def episode(self, scene: Scene) -> Episode:
        victim = scene.victim()
        start_ms = scene.moment(victim, HOUR_MS)
        channel = (ATM, ECOMMERCE, TRANSFER_CHANNEL)[scene.count(0, 2)]
        declined = scene.count(2, 5)
        frauds = scene.ordinary(victim, scene.times(start_ms, declined + 1, HOUR_MS), channel)
        last = max(4_000, int(scene.amounts(frauds, 0.8, 3.0)[-1]) // 2_000 * 2_000)
        steps = np.cumsum(scene.rng.integers(1, 6, declined)[::-1])[::-1] * 2_000
        frauds.amount_minor[:] = last + np.concatenate((steps, [0]))
        frauds.auth_result[:-1] = DECLINED
        frauds.auth_result[-1] = APPROVED
        if scene.chance(0.5):
            scene.use_device(frauds, scene.fraud_device(), scene.fraud_address(scene.home(victim)))
        return Episode(frauds=frauds)
