"""Draws delayed labels of transactions, including wrong ones and their corrections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.choice import Array
from simulator.config import DAY_MS
from simulator.transactions import NOT_FRAUD, Transactions
from simulator.world import World

MEDIAN_DELAY_MS = 3 * DAY_MS
DELAY_SPREAD = 0.6
MIN_DELAY_MS, MAX_DELAY_MS = 3_600_000, 30 * DAY_MS
CORRECTION_DAYS = (1.0, 8.0)
CORRECTABLE_DELAY_MS = 20 * DAY_MS  # leaves room for a correction within MAX_DELAY_MS
CLEARED_ERROR_FACTOR = 2.5  # error rate of disputed legitimate payments relative to that of frauds
RESOLUTIONS = ("fraud", "not fraud", "insufficient data", "closed")


@dataclass(frozen=True, slots=True)
class Labels:
    """Columns of equal length: transaction row, known_at (epoch ms), verdict (bool), index in RESOLUTIONS."""

    row: Array
    known_at_ms: Array
    is_fraud: Array
    resolution: Array

    def __len__(self) -> int:
        return len(self.row)


def draw_labels(world: World, rng: np.random.Generator, transactions: Transactions, arrived_ms: Array) -> Labels:
    """Labels of all frauds and of a share of legitimate transactions (disputed, then cleared), sorted by known_at.

    Delays are lognormal with a median of 3 days and a maximum of 30 days. A share of first labels is wrong and followed
    by a correct one 1 to 8 days later. Labels known after the end of the period are omitted.
    """
    config = world.config
    if not config.with_labels:
        empty = np.empty(0, np.int64)
        return Labels(empty, empty, empty, empty)
    is_fraud = transactions.pattern != NOT_FRAUD
    disputed = ~is_fraud & (rng.random(len(transactions)) < config.cleared_label_share)
    row = np.flatnonzero(is_fraud | disputed)
    truth = is_fraud[row]
    delay_ms = MEDIAN_DELAY_MS * np.exp(DELAY_SPREAD * rng.standard_normal(len(row)))
    delay_ms = np.clip(delay_ms, MIN_DELAY_MS, MAX_DELAY_MS).astype(np.int64)
    known_ms = np.maximum(transactions.timestamp_ms[row] + delay_ms, arrived_ms[row] + 1)
    wrong = rng.random(len(row)) < config.wrong_label_share * np.where(truth, 1.0, CLEARED_ERROR_FACTOR)
    wrong &= delay_ms < CORRECTABLE_DELAY_MS
    corrected_ms = known_ms[wrong] + (rng.uniform(*CORRECTION_DAYS, int(wrong.sum())) * DAY_MS).astype(np.int64)
    row = np.concatenate((row, row[wrong]))
    known_ms = np.concatenate((known_ms, corrected_ms))
    verdict = np.concatenate((truth ^ wrong, truth[wrong]))
    cleared_as = rng.choice([1, 1, 1, 2, 3], len(row))
    kept = np.flatnonzero(known_ms < config.end_ms)
    order = kept[np.argsort(known_ms[kept], kind="stable")]
    return Labels(row[order], known_ms[order], verdict[order], np.where(verdict, 0, cleared_as)[order])
