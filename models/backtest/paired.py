"""Two sets of rules on the same payments, compared pair by pair."""

from __future__ import annotations

from math import comb, erfc, sqrt
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from models.backtest.confidence_sequence import Bounds, share_bounds
from models.backtest.labels import FRAUD, LEGITIMATE

DRAWS = 1_000
COVERAGE = 0.95
_LARGEST_EXACT = 1_000
Column = npt.NDArray[Any]


class Paired(msgspec.Struct, frozen=True):
    """Payments by which of both alerts on them. `p_value`: of the exact McNemar test, for one look that was planned before.

    `shadow_share`: bounds of the share of the shadow among the users' first payments on which just one alerts; they hold at
    every look. One half within: undecided.
    """

    both: int
    live_only: int
    shadow_only: int
    neither: int
    p_value: float
    users_live: int
    users_shadow: int
    shadow_share: Bounds

    @property
    def verdict(self) -> str:
        """Which of both alerts on more of these payments, as far as the bounds tell."""
        if self.shadow_share.low > 0.5:
            return "shadow alerts on more"
        return "live alerts on more" if self.shadow_share.high < 0.5 else "undecided"


class Difference(msgspec.Struct, frozen=True):
    """A figure of both, and shadow - live with its 95 % interval (bootstrap over users); None where it is undefined."""

    name: str
    live: float | None
    shadow: float | None
    difference: float | None
    low: float | None
    high: float | None


def paired(live: Column, shadow: Column, users: Column, times_ms: Column, payments: int) -> Paired:
    """Alerts of both (bool [N]) on payments of one outcome, by users (int64 [N]). Of `payments` those without any alert may
    be left out.
    """
    only_live, only_shadow = live & ~shadow, shadow & ~live
    discordant = np.flatnonzero(only_live | only_shadow)
    ordered = discordant[np.lexsort((discordant, times_ms[discordant], users[discordant]))]
    _, first = np.unique(users[ordered], return_index=True)
    of_users = only_shadow[ordered[first]]
    users_shadow = int(of_users.sum())
    users_live = len(of_users) - users_shadow
    counts = int(only_live.sum()), int(only_shadow.sum())
    return Paired(
        both=int((live & shadow).sum()),
        live_only=counts[0],
        shadow_only=counts[1],
        neither=payments - int((live | shadow).sum()),
        p_value=mcnemar(*counts),
        users_live=users_live,
        users_shadow=users_shadow,
        shadow_share=share_bounds(users_shadow, users_live),
    )


def mcnemar(one: int, other: int) -> float:
    """Two-sided p-value that both kinds of discordant pairs are equally likely: exact binomial, from 1,000 pairs on normal
    with continuity correction (McNemar, "Note on the sampling error of the difference between correlated proportions",
    1947).
    """
    total = one + other
    if not total:
        return 1.0
    if total <= _LARGEST_EXACT:
        tail = sum(comb(total, count) for count in range(min(one, other) + 1))
        return float(min(1.0, 2 * tail / 2**total))
    statistic = max(0, abs(one - other) - 1) ** 2 / total
    return erfc(sqrt(statistic / 2))  # the upper tail of chi-squared with one degree of freedom


def differences(
    live: Column, shadow: Column, outcome: Column, amount_milli: Column, users: Column, seed: int = 0
) -> list[Difference]:
    """Share of fraud caught, precision of alerts, money caught, and money of legitimate payments alerted, of both.

    All payments with a known outcome [N]. Users are drawn by Poisson(1) weights, all payments of one together.
    """
    fraud, legitimate, amount = outcome == FRAUD, outcome == LEGITIMATE, amount_milli
    columns = [
        fraud, fraud & live, fraud & shadow, live, shadow, fraud * live * amount, fraud * shadow * amount,
        legitimate * live * amount, legitimate * shadow * amount,
    ]  # fmt: skip
    _, user = np.unique(users, return_inverse=True)
    count = int(user.max()) + 1 if len(user) else 0
    by_user = np.stack([np.bincount(user, column, count) for column in columns], axis=1)
    whole = _figures(by_user.sum(axis=0, keepdims=True))
    random = np.random.default_rng(seed)
    drawn = np.concatenate([_figures(random.poisson(1.0, (1, count)) @ by_user) for _ in range(DRAWS)])
    tail = (1.0 - COVERAGE) / 2.0
    found = []
    for place, name in enumerate(("fraud caught", "precision", "money caught", "money wrongly alerted")):
        one, other = whole[0, 2 * place], whole[0, 2 * place + 1]
        moved = drawn[:, 2 * place + 1] - drawn[:, 2 * place]
        moved = moved[np.isfinite(moved)]
        is_defined = bool(np.isfinite(other - one)) and len(moved) > 0
        low, high = np.quantile(moved, [tail, 1 - tail]).tolist() if is_defined else (None, None)
        found.append(
            Difference(name, _known(one), _known(other), float(other - one) if is_defined else None, low, high)
        )
    return found


def _figures(sums: Any) -> Any:
    """Live and shadow in turn of each figure, [draws, 8]. Sums of thousandths are exact, in any order of the payments."""
    frauds, caught, caught_shadow, alerts, alerts_shadow, *money = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = [caught / frauds, caught_shadow / frauds, caught / alerts, caught_shadow / alerts_shadow]
    return np.stack([*shares, *(milli / 1000.0 for milli in money)], axis=1)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
