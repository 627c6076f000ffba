"""The protocol of the Fraud Detection Handbook: a train week, a week of label delay, a test week.

Customers with known fraud are excluded: on test day d, those with a fraud between the first day of the train week and
day d - 8 (chapters 3 to 5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from models.metrics import DAY_MS, average_precision, card_precision_at_k, roc_auc

TRAIN_DAYS = DELAY_DAYS = TEST_DAYS = 7
CARDS_PER_DAY = 100
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Columns:
    """The table's columns, arrays [N] in table order."""

    transaction_ids: npt.NDArray[Any]
    user_ids: npt.NDArray[Any]
    terminal_ids: npt.NDArray[Any]
    timestamps_ms: npt.NDArray[np.int64]
    amounts: npt.NDArray[np.float64]
    labels: npt.NDArray[np.bool_]


class Metrics(msgspec.Struct, frozen=True):
    """The handbook's three metrics."""

    auc_roc: float
    average_precision: float
    card_precision_at_100: float


def split(columns: Columns, train_day: int) -> tuple[Rows, Rows]:
    """Rows of the train week from `train_day` (days since the epoch), and of the test week without known customers."""
    days = columns.timestamps_ms // DAY_MS
    train = np.flatnonzero((days >= train_day) & (days < train_day + TRAIN_DAYS))
    test_day = train_day + TRAIN_DAYS + DELAY_DAYS
    test = [
        np.flatnonzero((days == day) & ~np.isin(columns.user_ids, _known_customers(columns, days, train_day, day)))
        for day in range(test_day, test_day + TEST_DAYS)
    ]
    return train, np.concatenate(test)


def _known_customers(columns: Columns, days: Rows, train_day: int, day: int) -> npt.NDArray[Any]:
    """Customers with a fraud from the train week's first day to `day` - 8."""
    known = columns.labels & (days >= train_day) & (days <= day - DELAY_DAYS - 1)
    customers: npt.NDArray[Any] = np.unique(columns.user_ids[known])
    return customers


def measure(columns: Columns, rows: Rows, probabilities: npt.NDArray[Any]) -> Metrics:
    """Metrics of probabilities [n] of `rows` [n]."""
    labels = columns.labels[rows]
    return Metrics(
        roc_auc(labels, probabilities),
        average_precision(labels, probabilities),
        card_precision_at_k(labels, probabilities, columns.user_ids[rows], columns.timestamps_ms[rows], CARDS_PER_DAY),
    )
