"""Has the patterns commit as much fraud as was asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.choice import Array
from simulator.fraud_means import FraudMeans
from simulator.fraud_pattern import FraudPattern
from simulator.logins import AccountChangeDraft, Logins, concatenate_logins
from simulator.randomness import RandomStreams
from simulator.scene import Scene
from simulator.transactions import NOT_FRAUD, Transactions, concatenate
from simulator.world import World

EMPTY_EPISODES_IN_A_ROW = 20


@dataclass(frozen=True, slots=True)
class Frauds:
    """All that the patterns made: rows to add (companions are no fraud), and what they leave behind."""

    added: Transactions
    logins: Logins
    account_changes: tuple[AccountChangeDraft, ...]
    means: FraudMeans


def commit_frauds(
    world: World, purchases: Transactions, patterns: dict[str, FraudPattern], streams: RandomStreams
) -> Frauds:
    """Adds about fraud_share of all transactions, whole episodes only; marks rows of `purchases` in place.

    What a pattern made too much, the following ones make less; their order is drawn, so none is always last.
    """
    wanted = round(world.config.fraud_share * world.config.transaction_count)
    total_weight = sum(pattern.weight for pattern in patterns.values())
    means = FraudMeans(world)
    added: list[Transactions] = []
    logins: list[Logins] = []
    account_changes: list[AccountChangeDraft] = []
    done = 0
    planned = 0.0
    for number in streams.of("pattern order").permutation(len(patterns)).tolist():
        name, pattern = list(patterns.items())[number]
        scene = Scene(world, purchases, means, streams.of(f"pattern {name}"))
        planned += wanted * pattern.weight / total_weight
        empty = 0
        while done < round(planned) and empty < EMPTY_EPISODES_IN_A_ROW:
            scene.wanted = round(planned) - done
            episode = pattern.episode(scene)
            empty = 0 if episode.fraud_count else empty + 1
            fresh_marks = episode.marked_rows[purchases.pattern[episode.marked_rows] == NOT_FRAUD]
            purchases.pattern[fresh_marks] = number
            done += len(fresh_marks)
            if episode.frauds is not None:
                episode.frauds.pattern[:] = number
                added.append(episode.frauds)
                done += len(episode.frauds)
            if episode.companions is not None:
                added.append(episode.companions)
            if episode.logins is not None:
                logins.append(episode.logins)
            account_changes.extend(episode.account_changes)
    return Frauds(concatenate(added), concatenate_logins(logins), tuple(account_changes), means)


def rows_to_drop(rng: np.random.Generator, droppable: Array, count: int) -> Array:
    """Which ordinary purchases give way to what was added, int64, at most all that are droppable."""
    candidates = np.flatnonzero(droppable)
    return rng.choice(candidates, min(count, len(candidates)), replace=False)
