"""Arrival order of events, with late and duplicate transactions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.choice import Array
from simulator.labels import Labels
from simulator.logins import AccountChangeDraft, Logins
from simulator.world import World

TRANSACTION, LOGIN, ACCOUNT_CHANGE, LABEL = range(4)
LATE_MEDIAN_MS, LATE_SPREAD = 90_000, 1.8
LATE_RANGE_MS = (2_000, 8 * 3_600_000)
RESENT_AFTER_MS = (1_000, 2 * 3_600_000)


def draw_arrivals(world: World, rng: np.random.Generator, timestamp_ms: Array) -> Array:
    """Arrival time of each transaction (epoch ms, int64): its timestamp, plus seconds to hours for `late_share`."""
    late = rng.random(len(timestamp_ms)) < world.config.late_share
    delay_ms = LATE_MEDIAN_MS * np.exp(LATE_SPREAD * rng.standard_normal(len(timestamp_ms)))
    arrived_ms: Array = timestamp_ms + np.where(late, np.clip(delay_ms, *LATE_RANGE_MS).astype(np.int64), 0)
    return arrived_ms


@dataclass(frozen=True, slots=True)
class ArrivalOrder:
    """The lines of the events file in order: `kind` (int8) and the row in that kind's table (`row`, int32)."""

    kind: Array
    row: Array
    duplicate_count: int


def order_by_arrival(
    world: World,
    rng: np.random.Generator,
    arrived_ms: Array,
    logins: Logins,
    account_changes: tuple[AccountChangeDraft, ...],
    labels: Labels,
) -> ArrivalOrder:
    """Sorts all events by arrival time: labels arrive at known_at, duplicates after the original, others without delay."""
    resent = np.flatnonzero(rng.random(len(arrived_ms)) < world.config.duplicate_share)
    resent_ms = arrived_ms[resent] + rng.integers(*RESENT_AFTER_MS, len(resent))
    changed_ms = np.array([change.timestamp_ms for change in account_changes], np.int64)
    time_ms = np.concatenate((arrived_ms, resent_ms, logins.timestamp_ms, changed_ms, labels.known_at_ms))
    row = np.concatenate(
        (np.arange(len(arrived_ms)), resent, np.arange(len(logins)), np.arange(len(changed_ms)), np.arange(len(labels)))
    )
    counts = (len(arrived_ms) + len(resent), len(logins), len(changed_ms), len(labels))
    kind = np.repeat(np.array([TRANSACTION, LOGIN, ACCOUNT_CHANGE, LABEL], np.int8), counts)
    order = np.argsort(time_ms, kind="stable")
    return ArrivalOrder(kind[order], row[order].astype(np.int32), len(resent))
