"""Copies of training rows as they would look had the payment arrived days late: without windows and recent sums.

Hardly any payment of a history is late. Without such copies the trees have never seen these features unknown, and send
what is unknown where a split happens to send it: legitimate late payments then look like fraud. Rows are drawn
independently of the labels, so that arriving late is no evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from models.sparse_views import Groups, Rows, SparseRows, members_of

WINDOWS: Final = "late: windows"
PREVIOUS: Final = "late: previous"
PREVIOUS_UNKNOWN: Final = 0.7
"""In this share of late copies also the payment before is unknown, since it may be forgotten by then."""

_OF_WINDOW = (
    "txn_count", "amount_sum", "avg_amount", "max_amount", "std_amount", "distinct_merchants", "distinct_devices",
    "distinct_countries",
)  # fmt: skip
WINDOW_FEATURES: Final = (
    *(f"{name}_{width}" for width in ("5m", "1h", "1d") for name in _OF_WINDOW),
    "foreign_country_count_1d", "velocity_score", "declined_count_1h", "declined_count_1d", "refund_count_1d",
    "refund_sum_1d", "txn_count_1h_share_of_1d", "amount_sum_1h_share_of_1d", "amount_vs_avg_1h", "amount_vs_avg_1d",
    "stated_txn_count_1h", "session_txn_count", "session_device_count", "session_city_count", "txn_count_1d_vs_usual",
    "user_txn_count_7d", "user_avg_amount_7d", "user_txn_count_30d", "user_avg_amount_30d", "user_std_amount_30d",
    "amount_vs_avg_7d", "amount_vs_avg_30d", "spend_7d_vs_30d", "credit_limit_share_7d", "credit_limit_share_30d",
    "credit_limit_share", "distinct_beneficiaries_1d",
)  # fmt: skip
"""Unknown for every late payment."""
PREVIOUS_FEATURES: Final = (
    "amount_vs_last", "seconds_since_last", "country_changed", "city_changed", "km_from_last", "speed_kmh", "device_changed",
    "device_changed_in_session", "ip_changed",
)  # fmt: skip
"""Unknown for a late payment whose payment before is no longer remembered."""


def late_groups(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """The two groups of features that late payments lack, by position; empty without any of the windows' features."""
    places = {name: place for place, name in enumerate(names)}
    windows, previous = (
        tuple(places[name] for name in wanted if name in places) for wanted in (WINDOW_FEATURES, PREVIOUS_FEATURES)
    )
    return {WINDOWS: windows, PREVIOUS: previous} if windows else {}


def with_late_copies(sparse: SparseRows, rows: Rows, late: Groups, width: int, share: float, seed: int) -> SparseRows:
    """The sparse copies, a share of which is late as well, and late copies of a share of `rows` that lack nothing else.

    `late` is what `late_groups` returns; without it the copies stay as they are.
    """
    if not late or share == 0.0:
        return sparse
    random = np.random.default_rng([seed, len(rows), 1])
    chosen = np.sort(random.choice(len(rows), round(len(rows) * share), replace=False))
    of_sparse = _late_or_not(random, random.random(len(sparse)) < share)
    alone = _late_or_not(random, np.ones(len(chosen), bool))
    return replace(
        sparse,
        rows=np.concatenate([sparse.rows, rows[chosen]]),
        dropped=np.concatenate(
            [
                np.hstack([sparse.dropped, of_sparse]),
                np.hstack([np.zeros((len(chosen), sparse.dropped.shape[1]), bool), alone]),
            ]
        ),
        members=np.vstack([sparse.members, members_of(late, width)]),
    )


def _late_or_not(random: np.random.Generator, is_late: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Whether each copy lacks the windows, and the payment before: bool [n, 2]."""
    return np.column_stack([is_late, is_late & (random.random(len(is_late)) < PREVIOUS_UNKNOWN)])
