"""How much happened in the 5 minutes, the hour and the day up to and with this transaction.

Windows hold the user's transactions of every kind (refunds and declined ones too). A late transaction sees none.
"""

from __future__ import annotations

from math import sqrt

from udfs.features.context import NAN, Context
from udfs.features.feature import WINDOWS, Feature
from udfs.windows import Window


def _of_window(suffix: str, words: str) -> tuple[Feature, ...]:
    span = f"in (t - {words}, t]"
    return (
        Feature(f"txn_count_{suffix}", "transactions", f"transactions {span}, this one included"),
        Feature(f"amount_sum_{suffix}", "base currency", f"sum of amounts {span}"),
        Feature(f"avg_amount_{suffix}", "base currency", f"amount_sum_{suffix} / txn_count_{suffix}"),
        Feature(f"max_amount_{suffix}", "base currency", f"greatest amount {span}"),
        Feature(f"std_amount_{suffix}", "base currency", f"population standard deviation of amounts {span}"),
        Feature(f"distinct_merchants_{suffix}", "merchants", f"different known merchants {span}"),
        Feature(f"distinct_devices_{suffix}", "devices", f"different known devices {span}"),
        Feature(f"distinct_countries_{suffix}", "countries", f"different known countries {span}"),
    )


FEATURES = (
    *(feature for suffix, words in WINDOWS for feature in _of_window(suffix, words)),
    Feature("foreign_country_count_1d", "countries", "different countries but the home country in (t - 1 day, t]"),
    Feature("velocity_score", "transactions x base currency", "txn_count_5m x avg_amount_1h"),
    Feature("declined_count_1h", "transactions", "declined transactions in (t - 1 hour, t]"),
    Feature("declined_count_1d", "transactions", "declined transactions in (t - 1 day, t]"),
    Feature("refund_count_1d", "transactions", "refunds and reversals in (t - 1 day, t]"),
    Feature("refund_sum_1d", "base currency", "sum of refunds and reversals in (t - 1 day, t]"),
    Feature("txn_count_1h_share_of_1d", "share", "txn_count_1h / txn_count_1d"),
    Feature("amount_sum_1h_share_of_1d", "share", "amount_sum_1h / amount_sum_1d; unknown if the day's sum is 0"),
    Feature("amount_vs_avg_1h", "ratio", "amount / avg_amount_1h; unknown if that is 0"),
    Feature("amount_vs_avg_1d", "ratio", "amount / avg_amount_1d; unknown if that is 0"),
)
NAMES = tuple(feature.name for feature in FEATURES)


def spread(count: int, total: int, squares: int, scale: int) -> float:
    """Population standard deviation in major units, from exact integer sums in minor units."""
    return sqrt(count * squares - total * total) / count / scale


def compute(f: dict[str, float], c: Context) -> None:
    five_minutes, hour, day = c.five_minutes, c.hour, c.day
    if five_minutes is None or hour is None or day is None:
        f.update(dict.fromkeys(NAMES, NAN))
        return
    scale = c.scale
    _add_window(f, five_minutes, scale, _KEYS_5M)
    average_hour = _add_window(f, hour, scale, _KEYS_1H)
    _add_window(f, day, scale, _KEYS_1D)
    windows, recent, time_ms = c.windows, c.recent, c.time_ms
    settings = windows.settings
    home = c.user.home_country if c.user is not None else None
    f["foreign_country_count_1d"] = float(windows.foreign_countries(recent, time_ms, home)) if home is not None else NAN
    f["velocity_score"] = five_minutes.count * average_hour
    if recent.declined_times:
        f["declined_count_1h"] = float(windows.declined(recent, time_ms, settings.hour_ms))
        f["declined_count_1d"] = float(windows.declined(recent, time_ms, settings.day_ms))
    else:
        f["declined_count_1h"] = f["declined_count_1d"] = 0.0
    if recent.refund_times:
        refunds, refunded = windows.refunds(recent, time_ms, settings.day_ms)
        f["refund_count_1d"] = float(refunds)
        f["refund_sum_1d"] = refunded / scale
    else:
        f["refund_count_1d"] = f["refund_sum_1d"] = 0.0
    f["txn_count_1h_share_of_1d"] = hour.count / day.count
    f["amount_sum_1h_share_of_1d"] = hour.total / day.total if day.total else NAN
    f["amount_vs_avg_1h"] = c.minor * hour.count / hour.total if hour.total else NAN
    f["amount_vs_avg_1d"] = c.minor * day.count / day.total if day.total else NAN


def _add_window(f: dict[str, float], window: Window, scale: int, keys: tuple[str, ...]) -> float:
    """Add the eight numbers of one window under their names; gives back the average."""
    n, total = window.count, window.total
    count, amount_sum, average, peak, deviation, merchants, devices, countries = keys
    average_amount = total / n / scale
    f[count] = float(n)
    f[amount_sum] = total / scale
    f[average] = average_amount
    f[peak] = window.peak / scale
    f[deviation] = spread(n, total, window.squares, scale) if n > 1 else 0.0
    f[merchants] = float(window.merchants)
    f[devices] = float(window.devices)
    f[countries] = float(window.countries)
    return average_amount


_KEYS_5M, _KEYS_1H, _KEYS_1D = (
    tuple(feature.name for feature in _of_window(suffix, words)) for suffix, words in WINDOWS
)
