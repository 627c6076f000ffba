"""What transactions turn out to be, and when that becomes known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.choice import Array
from simulator.config import DAY_MS
from simulator.transactions import NOT_FRAUD, Transactions
from simulator.world import World

MEDIAN_DELAY_MS = 3 * DAY_MS
DELAY_SPREAD = 0.6
SHORTEST_DELAY_MS, LONGEST_DELAY_MS = 3_600_000, 30 * DAY_MS
CORRECTION_DAYS = (1.0, 8.0)
CORRECTABLE_DELAY_MS = 20 * DAY_MS  # a correction still comes within the longest delay
WRONGLY_ACCUSED_FACTOR = 2.5  # a disputed payment is misjudged more often than a fraud
RESOLUTIONS = ("fraud", "not fraud", "insufficient data", "closed")


@dataclass(frozen=True, slots=True)
class Labels:
    """Columns of equal length: the transaction's row, epoch ms of the news, the verdict, its number in RESOLUTIONS."""

    row: Array
    known_at_ms: Array
    is_fraud: Array
    resolution: Array

    def __len__(self) -> int:
        return len(self.row)


def draw_labels(world: World, rng: np.random.Generator, transactions: Transactions, arrived_ms: Array) -> Labels:
    """A label for every fraud and for a share of the rest (disputed, then cleared), sorted by known_at.

    Delays are lognormal with a median of 3 days, at most 30 days. A few first labels are wrong; a second one, 1-8 days
    later, says the truth. Labels known after the end of the period are left out.
    """
    config = world.config
    if not config.with_labels:
        nothing = np.empty(0, np.int64)
        return Labels(nothing, nothing, nothing, nothing)
    is_fraud = transactions.pattern != NOT_FRAUD
    disputed = ~is_fraud & (rng.random(len(transactions)) < config.cleared_label_share)
    row = np.flatnonzero(is_fraud | disputed)
    truth = is_fraud[row]
    delay_ms = MEDIAN_DELAY_MS * np.exp(DELAY_SPREAD * rng.standard_normal(len(row)))
    delay_ms = np.clip(delay_ms, SHORTEST_DELAY_MS, LONGEST_DELAY_MS).astype(np.int64)
    known_ms = np.maximum(transactions.timestamp_ms[row] + delay_ms, arrived_ms[row] + 1)
    wrong = rng.random(len(row)) < config.wrong_label_share * np.where(truth, 1.0, WRONGLY_ACCUSED_FACTOR)
    wrong &= delay_ms < CORRECTABLE_DELAY_MS
    corrected_ms = known_ms[wrong] + (rng.uniform(*CORRECTION_DAYS, int(wrong.sum())) * DAY_MS).astype(np.int64)
    row = np.concatenate((row, row[wrong]))
    known_ms = np.concatenate((known_ms, corrected_ms))
    verdict = np.concatenate((truth ^ wrong, truth[wrong]))
    cleared_as = rng.choice([1, 1, 1, 2, 3], len(row))
    kept = np.flatnonzero(known_ms < config.end_ms)
    order = kept[np.argsort(known_ms[kept], kind="stable")]
    return Labels(row[order], known_ms[order], verdict[order], np.where(verdict, 0, cleared_as)[order])
