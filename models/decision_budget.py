"""Chooses the risk-score thresholds of actions for a budget."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from models.metrics import DAY_MS

SOFT_CHALLENGE_ABOVE = 700
HARD_BLOCK_ABOVE = 900
HIGHEST = 1000
Flags = npt.NDArray[np.bool_]
Vector = npt.NDArray[np.float64]


class FalsePositiveRate(msgspec.Struct, frozen=True, tag_field="kind", tag="false_positive_rate"):
    """At most this share of legitimate payments is referred, challenged or blocked."""

    rate: float = 0.0025


class AlertsPerDay(msgspec.Struct, frozen=True, tag_field="kind", tag="alerts_per_day"):
    """At most this number of payments per day, on average, is referred, challenged or blocked."""

    alerts: float


class Cost(msgspec.Struct, frozen=True, tag_field="kind", tag="cost"):
    """Minimum total cost, in major units of the base currency.

    `review` per reviewed payment, `stop` per legitimate payment that is blocked, and the amount of each allowed fraud.
    """

    review: float
    stop: float


class FixedThresholds(msgspec.Struct, frozen=True, tag_field="kind", tag="fixed"):
    """Given risk scores instead of a budget."""

    refer_above: int = 500
    soft_challenge_above: int = SOFT_CHALLENGE_ABOVE
    hard_block_above: int = HARD_BLOCK_ABOVE


Budget = FalsePositiveRate | AlertsPerDay | Cost | FixedThresholds


class ChosenThresholds(msgspec.Struct, frozen=True):
    """The thresholds; `budget` has the budget and the results on the slice as JSON values."""

    refer_above: int
    soft_challenge_above: int
    hard_block_above: int
    budget: dict[str, Any]


def risk_scores(probabilities: Vector) -> npt.NDArray[np.int64]:
    """Risk scores of probabilities [N]: 1000 times the probability, rounded half up."""
    scores: npt.NDArray[np.int64] = np.floor(HIGHEST * probabilities + 0.5).astype(np.int64)
    return scores


def choose_thresholds(
    budget: Budget, labels: Flags, probabilities: Vector, amounts: Vector, timestamps_ms: npt.NDArray[np.int64]
) -> ChosenThresholds:
    """The lowest thresholds within the budget, over [N] payments. `amounts` are in major units of the base currency.

    Challenges and blocks start at probabilities .7 and .9, but never below referrals; by cost, blocks start where the
    expected cost of a wrong block is below that of a review.
    """
    scores = risk_scores(probabilities)
    challenge, block = SOFT_CHALLENGE_ABOVE, HARD_BLOCK_ABOVE
    if isinstance(budget, FixedThresholds):
        refer, challenge, block = budget.refer_above, budget.soft_challenge_above, budget.hard_block_above
    elif isinstance(budget, FalsePositiveRate):
        refer = _lowest_within(scores[~labels], budget.rate * float((~labels).sum()))
    elif isinstance(budget, AlertsPerDay):
        refer = _lowest_within(scores, budget.alerts * _days(timestamps_ms))
    else:
        block = _block_by_cost(budget)
        refer = _refer_by_cost(budget, block, scores, labels, amounts)
        challenge = min(challenge, block)
    challenge = max(challenge, refer)
    block = max(block, challenge)
    gave = {
        name: threshold_results(threshold, scores, labels, amounts, timestamps_ms)
        for name, threshold in (("refer", refer), ("soft_challenge", challenge), ("hard_block", block))
    }
    return ChosenThresholds(refer, challenge, block, {"chosen_for": msgspec.to_builtins(budget), "gave": gave})


def threshold_results(
    threshold: int,
    scores: npt.NDArray[np.int64],
    labels: Flags,
    amounts: Vector,
    timestamps_ms: npt.NDArray[np.int64],
) -> dict[str, Any]:
    """Results of acting on scores above a threshold, over [N] payments, as JSON values; undefined ratios are None."""
    above = scores > threshold
    alerts, caught, frauds = int(above.sum()), int((above & labels).sum()), int(labels.sum())
    legitimate = len(labels) - frauds
    return {
        "above": threshold,
        "alerts": alerts,
        "alerts_a_day": alerts / _days(timestamps_ms),
        "precision": caught / alerts if alerts else None,
        "recall": caught / frauds if frauds else None,
        "false_positive_rate": (alerts - caught) / legitimate if legitimate else None,
        "amount_caught": float(amounts[above & labels].sum()),
        "amount_of_frauds": float(amounts[labels].sum()),
    }


def _days(timestamps_ms: npt.NDArray[np.int64]) -> float:
    """Time span of the payments in days; at least one hour."""
    return max(1.0 / 24.0, float(timestamps_ms.max() - timestamps_ms.min()) / DAY_MS)


def _lowest_within(scores: npt.NDArray[np.int64], allowed: float) -> int:
    """The lowest threshold that at most `allowed` scores exceed."""
    exceeding = len(scores) - np.cumsum(np.bincount(scores, minlength=HIGHEST + 1))
    return int(np.argmax(exceeding <= allowed + 1e-9))


def _block_by_cost(budget: Cost) -> int:
    """The score above which the expected cost of a block is lower than that of a review."""
    if budget.stop <= budget.review:
        return 0
    return min(HIGHEST, int(np.ceil(HIGHEST * (1.0 - budget.review / budget.stop))))


def _refer_by_cost(budget: Cost, block: int, scores: npt.NDArray[np.int64], labels: Flags, amounts: Vector) -> int:
    reviews = np.bincount(np.minimum(scores, block), minlength=block + 1).astype(np.float64)
    reviews[block] = float((scores == block).sum())  # scores above are blocked without a review
    lost = np.bincount(scores[labels], weights=amounts[labels], minlength=HIGHEST + 1)[: block + 1]
    costs = budget.review * (reviews.sum() - np.cumsum(reviews)) + np.cumsum(lost)
    return int(np.argmin(costs))
