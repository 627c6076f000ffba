"""When it happened, on the user's own clock."""

from __future__ import annotations

from math import cos, pi, sin

from udfs.features.context import NAN, Context
from udfs.features.feature import Feature
from udfs.time_units import SECOND_MS

NIGHT_ENDS_HOUR = 6
NIGHT_BEGINS_HOUR = 23

FEATURES = (
    Feature("hour_local", "hour", "hour of day 0 to 23 in the timezone of the user's profile"),
    Feature("hour_sin", "", "sin(2 pi hour_local / 24)"),
    Feature("hour_cos", "", "cos(2 pi hour_local / 24)"),
    Feature("weekday", "day", "0 Monday to 6 Sunday, local"),
    Feature("is_weekend", "flag", "1 on Saturday and Sunday"),
    Feature("is_night", "flag", "1 before 06:00 and from 23:00, local"),
    Feature("user_night_share", "share", "share of the user's earlier transactions at night"),
    Feature("seconds_since_last", "seconds", "t - the time of the last transaction with time <= t"),
)
_SIN = tuple(sin(2 * pi * hour / 24) for hour in range(24))
_COS = tuple(cos(2 * pi * hour / 24) for hour in range(24))


def is_night(local_hour: int) -> bool:
    return local_hour < NIGHT_ENDS_HOUR or local_hour >= NIGHT_BEGINS_HOUR


def compute(c: Context) -> tuple[float, ...]:
    hour, weekday, habits, previous = c.local_hour, c.local_weekday, c.habits, c.previous
    count = habits.lifetime.count
    return (
        float(hour),
        _SIN[hour],
        _COS[hour],
        float(weekday),
        1.0 if weekday >= 5 else 0.0,
        1.0 if is_night(hour) else 0.0,
        habits.night_count / count if count else NAN,
        (c.time_ms - previous.timestamp_ms) / SECOND_MS if previous is not None else NAN,
    )
