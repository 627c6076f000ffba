"""This transaction against the user's habits: all earlier accepted transactions, and the last 7 and 30 days.

Ratios are one division of integers in minor units, so that a rule's limit is met exactly where it is met on paper.
A late transaction has no sums of days, as it has no windows.
"""

from __future__ import annotations

from udfs.features.context import NAN, Context
from udfs.features.feature import Feature
from udfs.features.velocity import spread
from udfs.time_units import DAY_MS

FEATURES = (
    Feature("user_txn_count", "transactions", "the user's earlier transactions"),
    Feature("user_avg_amount", "base currency", "mean amount of the user's earlier transactions"),
    Feature("user_std_amount", "base currency", "population standard deviation of their amounts"),
    Feature("user_max_amount", "base currency", "their greatest amount"),
    Feature("user_days_known", "days", "t - the earliest of their times"),
    Feature("user_txn_per_day", "transactions per day", "user_txn_count / (user_days_known + 1)"),
    Feature("amount_vs_user_avg", "ratio", "amount / user_avg_amount; unknown if that is 0"),
    Feature("amount_zscore", "standard deviations", "(amount - user_avg_amount) / user_std_amount; unknown if 0"),
    Feature("amount_vs_user_max", "ratio", "amount / user_max_amount; unknown if that is 0"),
    Feature("amount_vs_last", "ratio", "amount / amount of the last transaction; unknown if that is 0"),
    Feature("txn_count_1d_vs_usual", "ratio", "txn_count_1d / (user_txn_per_day + 1)"),
    Feature("user_txn_count_7d", "transactions", "earlier transactions on this day (UTC) and the 6 days before"),
    Feature("user_avg_amount_7d", "base currency", "mean amount of those"),
    Feature("user_txn_count_30d", "transactions", "earlier transactions on this day (UTC) and the 29 days before"),
    Feature("user_avg_amount_30d", "base currency", "mean amount of those"),
    Feature("user_std_amount_30d", "base currency", "population standard deviation of those"),
    Feature("amount_vs_avg_7d", "ratio", "amount / user_avg_amount_7d; unknown if that is 0"),
    Feature("amount_vs_avg_30d", "ratio", "amount / user_avg_amount_30d; unknown if that is 0"),
)
NAMES = tuple(feature.name for feature in FEATURES)
_COUNTS = ("user_txn_count", "user_txn_count_7d", "user_txn_count_30d")
_WITHOUT_HISTORY = tuple(0.0 if name in _COUNTS else NAN for name in NAMES)
_LATE = (NAN,) * len(NAMES[NAMES.index("txn_count_1d_vs_usual") :])


def compute(c: Context) -> tuple[float, ...]:
    habits, scale, amount, minor = c.habits, c.scale, c.amount, c.minor
    lifetime = habits.lifetime
    count = lifetime.count
    if not count:
        return _WITHOUT_HISTORY
    average = lifetime.total / count / scale
    deviation = spread(count, lifetime.total, lifetime.squares, scale)
    days = (c.time_ms - habits.first_ms) / DAY_MS
    per_day = count / (days + 1.0) if days > -1.0 else NAN
    previous = c.previous
    before = (
        float(count),
        average,
        deviation,
        habits.peak / scale,
        days,
        per_day,
        minor * count / lifetime.total if lifetime.total else NAN,
        (amount - average) / deviation if deviation else NAN,
        minor / habits.peak if habits.peak else NAN,
        minor / previous.minor if previous is not None and previous.minor else NAN,
    )
    day, week, month = c.day, c.week, c.month
    if day is None or week is None or month is None:  # the days before a late transaction may be forgotten
        return (*before, *_LATE)
    week_count, month_count = week.count, month.count
    return (
        *before,
        day.count / (per_day + 1.0),
        float(week_count),
        week.total / week_count / scale if week_count else NAN,
        float(month_count),
        month.total / month_count / scale if month_count else NAN,
        spread(month_count, month.total, month.squares, scale) if month_count else NAN,
        minor * week_count / week.total if week.total else NAN,
        minor * month_count / month.total if month.total else NAN,
    )
