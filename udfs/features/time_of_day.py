"""When it happened, on the user's own clock."""

from __future__ import annotations

import calendar
import datetime
from functools import lru_cache
from math import cos, pi, sin

from udfs.features.context import NAN, Context
from udfs.features.feature import Feature
from udfs.time_units import DAY_MS, SECOND_MS

EPOCH_ORDINAL = 719_163  # of 1970-01-01
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
    Feature("days_from_month_turn", "days", "from the nearest turn of a month, 0 to 15, by the day (UTC)"),
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
        _days_from_month_turn(c.time_ms // DAY_MS),
    )


@lru_cache(maxsize=64)
def _days_from_month_turn(day: int) -> float:
    """Of a day since the epoch: 0 on the last and the first of a month. Salaries come around it."""
    date = datetime.date.fromordinal(EPOCH_ORDINAL + day)
    last = calendar.monthrange(date.year, date.month)[1]
    return float(min(date.day - 1, last - date.day))
