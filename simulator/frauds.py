"""Injects the configured share of fraud into the ordinary purchases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.choice import Array
from simulator.fraud_pattern import FraudPattern
from simulator.fraud_resources import FraudResources
from simulator.logins import AccountChangeDraft, Logins, concatenate_logins
from simulator.randomness import RandomStreams
from simulator.scene import Scene
from simulator.transactions import NOT_FRAUD, Transactions, concatenate
from simulator.world import World

MAX_CONSECUTIVE_EMPTY_EPISODES = 20


@dataclass(frozen=True, slots=True)
class Frauds:
    """The output of all patterns: transactions to add (frauds and companions), logins, account changes, resources used."""

    added: Transactions
    logins: Logins
    account_changes: tuple[AccountChangeDraft, ...]
    resources: FraudResources


def inject_frauds(
    world: World, purchases: Transactions, patterns: dict[str, FraudPattern], streams: RandomStreams
) -> Frauds:
    """Injects about `fraud_share` of all transactions in whole episodes; marks rows of `purchases` in place.

    Patterns run in random order; an excess of one pattern reduces the number of frauds of the following ones.
    """
    wanted = round(world.config.fraud_share * world.config.transaction_count)
    total_weight = sum(pattern.weight for pattern in patterns.values())
    resources = FraudResources(world)
    added: list[Transactions] = []
    logins: list[Logins] = []
    account_changes: list[AccountChangeDraft] = []
    injected = 0
    planned = 0.0
    for number in streams.of("pattern order").permutation(len(patterns)).tolist():
        name, pattern = list(patterns.items())[number]
        scene = Scene(world, purchases, resources, streams.of(f"pattern {name}"))
        planned += wanted * pattern.weight / total_weight
        empty = 0
        while injected < round(planned) and empty < MAX_CONSECUTIVE_EMPTY_EPISODES:
            scene.wanted = round(planned) - injected
            episode = pattern.episode(scene)
            empty = 0 if episode.fraud_count else empty + 1
            fresh_marks = episode.marked_rows[purchases.pattern[episode.marked_rows] == NOT_FRAUD]
            purchases.pattern[fresh_marks] = number
            injected += len(fresh_marks)
            if episode.frauds is not None:
                episode.frauds.pattern[:] = number
                added.append(episode.frauds)
                injected += len(episode.frauds)
            if episode.companions is not None:
                added.append(episode.companions)
            if episode.logins is not None:
                logins.append(episode.logins)
            account_changes.extend(episode.account_changes)
    return Frauds(concatenate(added), concatenate_logins(logins), tuple(account_changes), resources)


def rows_to_drop(rng: np.random.Generator, droppable: Array, count: int) -> Array:
    """Draws `count` of the droppable rows (bool), int64; all of them where there are fewer."""
    candidates = np.flatnonzero(droppable)
    return rng.choice(candidates, min(count, len(candidates)), replace=False)
