"""Contract of all fraud patterns, and the episode sizes of the shipped ones."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from simulator.config import SimulatorConfig
from simulator.fraud_pattern import Episode
from simulator.fraud_resources import FraudResources
from simulator.pattern_registry import discover
from simulator.purchases import draw_purchases
from simulator.randomness import RandomStreams
from simulator.scene import Scene
from simulator.transactions import NOT_FRAUD
from simulator.world import World, make_world

EPISODES = 40
SIZES = {
    "account_takeover": (2, 5), "burst": (5, 10), "bust_out": (6, 12), "card_testing": (4, 8), "credential_stuffing": (1, 4),
    "device_farm": (4, 9), "geographic_anomaly": (1, 4), "high_risk_merchant": (1, 3), "impossible_travel": (1, 3),
    "late_night": (1, 4), "merchant_compromise": (4, 40), "mule_chain": (3, 5), "new_account": (2, 6),
    "overdraft_attempts": (3, 6), "refund_abuse": (2, 9), "structuring": (2, 5), "unexpected_foreign": (1, 4),
}  # fmt: skip


@cache
def _world() -> World:
    return make_world(SimulatorConfig(users=400, days=30, seed=3), RandomStreams(3))


@cache
def _scene(pattern: str) -> Scene:
    streams = RandomStreams(3)
    purchases = draw_purchases(_world(), streams.of("purchases"), 20_000, lambda done: None)
    scene = Scene(_world(), purchases, FraudResources(_world()), streams.of(pattern))
    scene.wanted = 40
    return scene


@cache
def _episodes(pattern: str) -> list[Episode]:
    return [discover()[pattern].episode(_scene(pattern)) for _ in range(EPISODES)]


@pytest.mark.parametrize("pattern", discover())
def test_episodes_stay_inside_the_period_and_the_users(pattern: str) -> None:
    config = _world().config
    assert any(episode.fraud_count for episode in _episodes(pattern))
    for episode in _episodes(pattern):
        for rows in (episode.frauds, episode.companions):
            if rows is not None:
                assert ((rows.timestamp_ms >= config.start_ms) & (rows.timestamp_ms < config.end_ms)).all()
                assert ((rows.user >= 0) & (rows.user < config.users)).all()
                assert (rows.amount_minor > 0).all()
                assert (rows.pattern == NOT_FRAUD).all()  # set by inject_frauds
        if episode.logins is not None:
            assert (np.diff(episode.logins.timestamp_ms) >= 0).all()
        for change in episode.account_changes:
            assert config.start_ms <= change.timestamp_ms < config.end_ms


@pytest.mark.parametrize("pattern", SIZES)
def test_episodes_have_the_documented_size(pattern: str) -> None:
    least, most = SIZES[pattern]
    sizes = [episode.fraud_count for episode in _episodes(pattern) if episode.fraud_count]
    assert least <= min(sizes) <= max(sizes) <= most
    assert len(set(sizes)) > 1


def test_bust_out_uses_only_the_users_own_devices() -> None:
    users = _world().users
    for episode in _episodes("bust_out"):
        assert episode.frauds is not None
        user = int(episode.frauds.user[0])
        own = episode.frauds.device - users.first_device[user]
        borrowed = episode.frauds.device == users.first_device[user - 1]
        assert (((own >= 0) & (own <= users.device_count[user])) | (borrowed & users.borrows_device[user])).all()


def test_refund_abuse_exceeds_the_price_of_each_purchase() -> None:
    for episode in _episodes("refund_abuse"):
        assert episode.frauds is not None
        assert episode.companions is not None
        assert episode.frauds.amount_minor.sum() > 1.3 * episode.companions.amount_minor.sum()
        assert set(episode.frauds.merchant.tolist()) == set(episode.companions.merchant.tolist())
