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
_LATE = dict.fromkeys([name for name in NAMES if name.endswith(("_7d", "_30d"))], NAN)


def compute(f: dict[str, float], c: Context) -> None:
    habits, scale, amount, minor = c.habits, c.scale, c.amount, c.minor
    lifetime = habits.lifetime
    count = lifetime.count
    if not count:
        f.update(dict.fromkeys(NAMES, NAN))
        f["user_txn_count"] = f["user_txn_count_7d"] = f["user_txn_count_30d"] = 0.0
        return
    average = lifetime.total / count / scale
    deviation = spread(count, lifetime.total, lifetime.squares, scale)
    days = (c.time_ms - habits.first_ms) / DAY_MS
    per_day = count / (days + 1.0) if days > -1.0 else NAN
    previous = c.previous
    f["user_txn_count"] = float(count)
    f["user_avg_amount"] = average
    f["user_std_amount"] = deviation
    f["user_max_amount"] = habits.peak / scale
    f["user_days_known"] = days
    f["user_txn_per_day"] = per_day
    f["amount_vs_user_avg"] = minor * count / lifetime.total if lifetime.total else NAN
    f["amount_zscore"] = (amount - average) / deviation if deviation else NAN
    f["amount_vs_user_max"] = minor / habits.peak if habits.peak else NAN
    f["amount_vs_last"] = minor / previous.minor if previous is not None and previous.minor else NAN
    f["txn_count_1d_vs_usual"] = c.day.count / (per_day + 1.0) if c.day is not None else NAN
    if c.day is None:  # the days before a late transaction may be forgotten
        f.update(_LATE)
        return
    week, month = c.baseline.days_until(habits, c.time_ms // DAY_MS)
    n = week.count
    f["user_txn_count_7d"] = float(n)
    f["user_avg_amount_7d"] = week.total / n / scale if n else NAN
    n = month.count
    f["user_txn_count_30d"] = float(n)
    f["user_avg_amount_30d"] = month.total / n / scale if n else NAN
    f["user_std_amount_30d"] = spread(n, month.total, month.squares, scale) if n else NAN
    f["amount_vs_avg_7d"] = minor * week.count / week.total if week.total else NAN
    f["amount_vs_avg_30d"] = minor * month.count / month.total if month.total else NAN
