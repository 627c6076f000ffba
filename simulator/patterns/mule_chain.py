"""Mule chain: stolen money passes through several accounts within hours, each keeping a small share."""

from __future__ import annotations

import numpy as np

from simulator.fraud_pattern import Episode, FraudPattern
from simulator.scene import HOUR_MS, MINUTE_MS, Scene
from simulator.transactions import APPROVED, NONE, TRANSFER_CHANNEL


class MuleChain(FraudPattern):
    """3-5 transfers: each hop's beneficiary is the next hop's user, who sends 80-98 % on after 5 minutes to 5 hours."""

    name = "mule_chain"

    def episode(self, scene: Scene) -> Episode:
        chain = scene.victims(scene.count(3, 5))
        hops = len(chain)
        waits_ms = scene.rng.integers(5 * MINUTE_MS, 5 * HOUR_MS, hops)
        waits_ms[0] = 0
        start_ms = scene.moment(int(chain[0]), int(waits_ms.sum()))
        times = np.minimum(start_ms + np.cumsum(waits_ms), scene.end_ms - 1)
        frauds = scene.ordinary(chain, times, TRANSFER_CHANNEL)
        first = max(30_000, int(scene.amounts(frauds, 3.0, 12.0)[0]))
        kept = np.concatenate(([1.0], np.cumprod(scene.rng.uniform(0.80, 0.98, hops - 1))))
        frauds.amount_minor[:] = np.rint(first * kept)
        frauds.beneficiary[:-1] = chain[1:]
        frauds.beneficiary[-1] = scene.mule_account()
        frauds.merchant[:] = NONE
        frauds.auth_result[:] = APPROVED
        return Episode(frauds=frauds)
