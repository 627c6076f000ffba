"""How much happened in the 5 minutes, the hour and the day up to and with this transaction.

Windows hold the user's transactions of every kind (refunds and declined ones too). A late transaction sees none.
"""

from __future__ import annotations

from math import sqrt

from udfs.features.context import NAN, Context
from udfs.features.feature import WINDOWS, Feature
from udfs.window import Window


def _distinct(group: str, plural: str, suffix: str, span: str) -> Feature:
    formula = f"different known {plural} {span}; unknown where this transaction's is"
    return Feature(f"distinct_{plural}_{suffix}", plural, formula, version=2, groups=(group,))


def _features_of_window(suffix: str, words: str) -> tuple[Feature, ...]:
    span = f"in (t - {words}, t]"
    return (
        Feature(f"txn_count_{suffix}", "transactions", f"transactions {span}, this one included"),
        Feature(f"amount_sum_{suffix}", "base currency", f"sum of amounts {span}"),
        Feature(f"avg_amount_{suffix}", "base currency", f"amount_sum_{suffix} / txn_count_{suffix}"),
        Feature(f"max_amount_{suffix}", "base currency", f"greatest amount {span}"),
        Feature(f"std_amount_{suffix}", "base currency", f"population standard deviation of amounts {span}"),
        _distinct("merchant", "merchants", suffix, span),
        _distinct("device", "devices", suffix, span),
        _distinct("country", "countries", suffix, span),
    )


FEATURES = (
    *(feature for suffix, words in WINDOWS for feature in _features_of_window(suffix, words)),
    Feature(
        "foreign_country_count_1d",
        "countries",
        "different countries but the home country in (t - 1 day, t]; unknown where this transaction's country is",
        version=2,
        groups=("country", "profile"),
    ),
    Feature("velocity_score", "transactions x base currency", "txn_count_5m x avg_amount_1h"),
    Feature("declined_count_1h", "transactions", "declined transactions in (t - 1 hour, t]"),
    Feature("declined_count_1d", "transactions", "declined transactions in (t - 1 day, t]"),
    Feature("refund_count_1d", "transactions", "refunds and reversals in (t - 1 day, t]"),
    Feature("refund_sum_1d", "base currency", "sum of refunds and reversals in (t - 1 day, t]"),
    Feature("txn_count_1h_share_of_1d", "share", "txn_count_1h / txn_count_1d"),
    Feature("amount_sum_1h_share_of_1d", "share", "amount_sum_1h / amount_sum_1d; unknown if the day's sum is 0"),
    Feature("amount_vs_avg_1h", "ratio", "amount / avg_amount_1h; unknown if that is 0"),
    Feature("amount_vs_avg_1d", "ratio", "amount / avg_amount_1d; unknown if that is 0"),
    Feature("stated_txn_count_1h", "transactions", "the transaction's txns_last_1h", groups=("stated",)),
)


def spread(count: int, total: int, squares: int, scale: int) -> float:
    """Population standard deviation in major units, from exact integer sums in minor units."""
    return sqrt(count * squares - total * total) / count / scale


_LATE = (NAN,) * len(FEATURES)


def compute(c: Context) -> tuple[float, ...]:
    five_minutes, hour, day = c.five_minutes, c.hour, c.day
    if five_minutes is None or hour is None or day is None:
        return _LATE
    scale, minor = c.scale, c.minor
    windows, recent, time_ms = c.windows, c.recent, c.time_ms
    settings = windows.settings
    home = c.user.home_country if c.user is not None else None
    transaction = c.transaction
    stated = transaction.txns_last_1h
    merchant, device = transaction.merchant_id is not None, transaction.device_id is not None
    country = c.place_country is not None
    of_hour = _of_window(hour, scale, merchant, device, country)
    declined = bool(recent.declined_times)
    refunds, refunded = windows.refunds(recent, time_ms, settings.day_ms) if recent.refund_times else (0, 0)
    return (
        *(of_hour if five_minutes is hour else _of_window(five_minutes, scale, merchant, device, country)),
        *of_hour,
        *(of_hour if day is hour else _of_window(day, scale, merchant, device, country)),
        float(windows.foreign_countries(recent, time_ms, home)) if home is not None and country else NAN,
        five_minutes.count * of_hour[2],
        float(windows.declined(recent, time_ms, settings.hour_ms)) if declined else 0.0,
        float(windows.declined(recent, time_ms, settings.day_ms)) if declined else 0.0,
        float(refunds),
        refunded / scale,
        hour.count / day.count,
        hour.total / day.total if day.total else NAN,
        minor * hour.count / hour.total if hour.total else NAN,
        minor * day.count / day.total if day.total else NAN,
        stated if stated is not None else NAN,
    )


def _of_window(
    window: Window, scale: int, merchant: bool, device: bool, country: bool
) -> tuple[float, float, float, float, float, float, float, float]:
    """The eight numbers of one window; different merchants … only where the transaction's own is known."""
    count, total = window.count, window.total
    return (
        float(count),
        total / scale,
        total / count / scale,
        window.peak / scale,
        spread(count, total, window.squares, scale) if count > 1 else 0.0,
        float(window.merchants) if merchant else NAN,
        float(window.devices) if device else NAN,
        float(window.countries) if country else NAN,
    )
