"""Account takeover: a fraudster gains access to an account and spends from it within hours."""

from __future__ import annotations

import numpy as np

from simulator.fraud_pattern import Episode, FraudPattern
from simulator.logins import AccountChangeDraft
from simulator.scene import HOUR_MS, MINUTE_MS, Scene
from simulator.transactions import ECOMMERCE, TRANSFER_CHANNEL


class AccountTakeover(FraudPattern):
    """2-5 online payments within 4 hours from one device, 2-6 x the victim's mean (a third of episodes: 1-2.5 x).

    A quarter uses the victim's own device and address (remote access); half of the others are in the victim's city.
    """

    name = "account_takeover"
    weight = 1.6

    def episode(self, scene: Scene) -> Episode:
        victim = scene.victim()
        start_ms = scene.moment(victim, 4 * HOUR_MS)
        times = scene.times(start_ms, scene.count(2, 5), 4 * HOUR_MS)
        channel = ECOMMERCE if scene.chance(0.7) else TRANSFER_CHANNEL
        frauds = scene.ordinary(victim, times, channel)
        subtle = scene.chance(0.33)
        frauds.amount_minor[:] = scene.amounts(frauds, 1.0, 2.5) if subtle else scene.amounts(frauds, 2.0, 6.0)
        frauds.logs_in[:] = True
        if scene.chance(0.25):
            scene.use_device(frauds, int(frauds.device[0]), int(frauds.address[0]))
        else:
            city = scene.home(victim) if scene.chance(0.5) else scene.city_away(victim, 300)
            scene.use_device(frauds, scene.fraud_device(), scene.fraud_address(city))
            scene.set_location(frauds, city)
        if channel == TRANSFER_CHANNEL:
            frauds.beneficiary[:] = scene.mule_account()
        elif scene.chance(0.4):
            frauds.domain[:] = scene.fraud_domain(victim)
        return Episode(frauds=frauds, account_changes=_contact_change(scene, victim, start_ms))


def _contact_change(scene: Scene, victim: int, start_ms: int) -> tuple[AccountChangeDraft, ...]:
    if not scene.chance(0.35):
        return ()
    changed_ms = max(scene.start_ms, start_ms - scene.count(2, 90) * MINUTE_MS)
    reason = str(np.array(["phone number changed", "e-mail address changed"])[scene.count(0, 1)])
    return (AccountChangeDraft(victim, changed_ms, "active", "active", reason, "self_service"),)
