"""Strong signals: combinations of features of which one is enough for an unusual payment.

money passed on         a transfer of about the sum that this user received in the last day (mule chains)
reports at a merchant   a high share of the merchant's payments of 7 days was reported as fraud (compromised merchants)
new account             an amount far above the category's from an account opened less than 30 days ago
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from models.signals import NOTHING, TAILS, Strong, eligible, tail_bounds
from models.steps import Steps
from models.trees import just_above
from udfs.scoring.ensemble import UNUSUAL_DEVIATIONS

STRONG_TAILS = TAILS[1:]
CORRECTION = 5.0
"""A strong signal of tail p counts as the anomaly that a share CORRECTION x p exceeds, since there are several signals."""

_NEW_ACCOUNT_DAYS = 30.0
_LEAST_AMOUNT = 1.0
_LEAST_PASSED_ON = 0.5
_KNOWN_FLAG = 2.0
"""Above both values of a flag."""
_REPORTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""Reports are counted in these steps."""
_PRIOR_PAYMENTS = 5.0
"""Added to a merchant's payments, so that one report of few payments does not count as a high share."""
Matrix = npt.NDArray[np.float32]
Wide = npt.NDArray[np.float64]


def fit_strong(
    features: Matrix, names: Sequence[str], log_anomalies: Wide, error_deviations: Wide
) -> tuple[Strong, ...]:
    """The strong signals of the features that exist, with the tails of legitimate payments, float32 [N, F].

    `log_anomalies` float64 [N] are those of the same payments without strong signals, `error_deviations` float64 [F] the
    deviations of the squared errors: of each told feature a unit of the signal adds UNUSUAL_DEVIATIONS of them.
    """
    places = {name: column for column, name in enumerate(names)}
    found = []
    for needed, told, strengths_of, steps_of in _STRONG:
        if not all(name in places for name in needed):
            continue
        columns = [places[name] for name in needed]
        bounds, tails = tail_bounds(strengths_of(*features[:, columns].T), STRONG_TAILS)
        if len(bounds):
            levels = np.quantile(log_anomalies, [1.0 - CORRECTION * tail for tail in tails])
            added = np.zeros(len(names), np.float32)
            for name in told:
                added[places[name]] = UNUSUAL_DEVIATIONS * error_deviations[places[name]]
            found.append(Strong(steps_of(columns, bounds, levels.tolist()), added))
    return tuple(found)


def _passed_on(ratio: Matrix, is_new_beneficiary: Matrix) -> Matrix:
    with np.errstate(divide="ignore"):
        nearness = np.minimum(ratio, 1.0 / ratio)
    return eligible(np.where(np.isnan(is_new_beneficiary), np.nan, nearness), _LEAST_PASSED_ON)


def _passed_on_steps(columns: list[int], bounds: Matrix, levels: list[float]) -> Steps:
    falling = [just_above(1.0 / bound) for bound in bounds[::-1].tolist() if bound <= 1.0]
    rising = bounds[bounds <= 1.0].tolist()
    values = [NOTHING, *levels[: len(rising)], *levels[: len(rising)][-2::-1], NOTHING]
    near = Steps(columns[0], np.array([*rising, *falling], np.float32), tuple(values[: len(rising) + len(falling) + 1]))
    return Steps(columns[1], np.array([_KNOWN_FLAG], np.float32), (near, NOTHING), unknown_is_first=False)


def _reports(reports: Matrix, payments: Matrix) -> Matrix:
    counted = np.array([0, *_REPORTS])[np.searchsorted(_REPORTS, np.nan_to_num(reports), side="right")]
    return eligible(counted / (payments + _PRIOR_PAYMENTS), float(np.finfo(np.float32).tiny))


def _reports_steps(columns: list[int], bounds: Matrix, levels: list[float]) -> Steps:
    parts: list[Steps | float] = [NOTHING]
    for reports in _REPORTS:
        most = reports / bounds.astype(np.float64)[::-1] - _PRIOR_PAYMENTS  # payments with which a bound is reached
        reached = most >= 0.0
        few = [just_above(payments) for payments in most[reached].tolist()]
        values = [*np.array(levels[::-1])[reached].tolist(), NOTHING]
        parts.append(Steps(columns[1], np.array(few, np.float32), tuple(values), unknown_is_first=False))
    return Steps(columns[0], np.array(_REPORTS, np.float32), tuple(parts))


def _new_account(account_days: Matrix, amount: Matrix) -> Matrix:
    return eligible(np.where(account_days < _NEW_ACCOUNT_DAYS, amount, np.nan), _LEAST_AMOUNT)


def _new_account_steps(columns: list[int], bounds: Matrix, levels: list[float]) -> Steps:
    amount = Steps(columns[1], bounds, (NOTHING, *levels))
    return Steps(columns[0], np.array([_NEW_ACCOUNT_DAYS], np.float32), (amount, NOTHING), unknown_is_first=False)


_STRONG: tuple[tuple[tuple[str, ...], tuple[str, ...], Callable[..., Matrix], Callable[..., Steps]], ...] = (
    (("amount_vs_received_1d", "is_new_beneficiary"), ("amount_vs_received_1d",), _passed_on, _passed_on_steps),
    (
        ("merchant_frauds_reported_7d", "merchant_txn_count_7d"),
        ("merchant_frauds_reported_7d",),
        _reports,
        _reports_steps,
    ),
    (
        ("account_age_days", "amount_category_zscore"),
        ("account_age_days", "amount_category_zscore"),
        _new_account,
        _new_account_steps,
    ),
)
"""Features, those that the reasons tell, the strength of a payment's signal, and the signal as steps."""
