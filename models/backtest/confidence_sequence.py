"""Bounds of a share that hold at all times together, so that looking every day does not make them wrong.

A 95 % interval that is looked at daily misses the truth far more often than in 5 % of the cases on one of the days. Here the
probability that the bounds are ever wrong is 5 %, whenever and however often one looks.
"""

from __future__ import annotations

from math import inf, lgamma, log

import msgspec

ERROR = 0.05
_STEPS = 60


class Bounds(msgspec.Struct, frozen=True):
    """The share lies between, at all times together with 95 %."""

    low: float
    high: float


def share_bounds(successes: int, failures: int, error: float = ERROR) -> Bounds:
    """Bounds of the probability of success after so many of both, in whatever order they came.

    The shares p for which the mixture of likelihood ratios over a uniform prior, B(s + 1, f + 1) / (p^s (1 - p)^f), is below
    1 / error: a martingale with mean 1 under p, which exceeds 1 / error ever with probability `error` at most (Ville;
    Robbins, "Statistical methods related to the law of the iterated logarithm", 1970).
    """
    total = successes + failures
    if not total:
        return Bounds(0.0, 1.0)
    mixture = lgamma(successes + 1) + lgamma(failures + 1) - lgamma(total + 2)
    limit = mixture + log(error)  # p is kept where its log-likelihood is above this
    best = successes / total
    low = 0.0 if _log_likelihood(0.0, successes, failures) > limit else _crossing(0.0, best, successes, failures, limit)
    high = (
        1.0 if _log_likelihood(1.0, successes, failures) > limit else _crossing(1.0, best, successes, failures, limit)
    )
    return Bounds(low, high)


def _crossing(outside: float, inside: float, successes: int, failures: int, limit: float) -> float:
    """Where the likelihood crosses the limit, on the outer side."""
    for _ in range(_STEPS):
        middle = (outside + inside) / 2
        if _log_likelihood(middle, successes, failures) > limit:
            inside = middle
        else:
            outside = middle
    return outside


def _log_likelihood(p: float, successes: int, failures: int) -> float:
    found = 0.0
    for count, share in ((successes, p), (failures, 1.0 - p)):
        if count:
            found += count * log(share) if share > 0.0 else -inf
    return found
