"""Draws all ordinary purchases of the period: number per user, times and cities."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.choice import Array
from simulator.config import DAY_MS
from simulator.ordinary import draw_ordinary
from simulator.transactions import Transactions, concatenate
from simulator.world import World

HOUR_MS = 3_600_000
ROWS_PER_CHUNK = 131_072
WEEKDAY_WEIGHTS = (1.0, 0.95, 0.97, 1.0, 1.15, 1.25, 1.0)  # Monday first
EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday
NIGHT_SHARE = 0.035
SPREE_SHARE, SPREE_MS = 0.07, 18 * 60_000


def draw_purchases(world: World, rng: np.random.Generator, count: int, progress: Callable[[int], None]) -> Transactions:
    """Draws `count` purchases, grouped by user; `progress` is called with the number drawn so far."""
    rate = world.users.rate / world.users.rate.sum()
    per_user = rng.multinomial(count, rate)
    user = np.repeat(np.arange(len(per_user)), per_user)
    parts = []
    for first in range(0, count, ROWS_PER_CHUNK):
        rows = user[first : first + ROWS_PER_CHUNK]
        city, timestamp_ms = _draw_moments(world, rng, rows)
        parts.append(draw_ordinary(world, rng, rows, timestamp_ms, city))
        progress(first + len(rows))
    return concatenate(parts)


def _draw_moments(world: World, rng: np.random.Generator, user: Array) -> tuple[Array, Array]:
    """City and epoch milliseconds UTC of each purchase, by the user's active hours in the local time of the city."""
    users, config = world.users, world.config
    count = len(user)
    first_weekday = (world.local_time.first_midnight_ms // DAY_MS + EPOCH_WEEKDAY) % 7
    limits = np.cumsum([WEEKDAY_WEIGHTS[(first_weekday + day) % 7] for day in range(config.days)])
    before = np.concatenate(([0.0], limits))[users.first_day[user]]
    day = np.searchsorted(limits, before + rng.random(count) * (limits[-1] - before), side="right")
    day = np.minimum(day, config.days - 1)
    hour = (users.active_hour[user] + users.hour_spread[user] * rng.standard_normal(count)) % 24
    at_night = rng.random(count) < NIGHT_SHARE
    hour = np.where(at_night, (23 + 7 * rng.random(count)) % 24, hour)
    spree_gap_ms = rng.integers(30_000, SPREE_MS, count)
    spree = (rng.random(count) < SPREE_SHARE) & (user == np.roll(user, 1))
    spree[0] = False
    preceding = np.flatnonzero(spree) - 1
    day[spree], hour[spree] = day[preceding], hour[preceding]
    city, day, hour = world.trips.locate(user, day, hour)
    timestamp_ms = world.local_time.to_utc_ms(city, day, (hour * HOUR_MS).astype(np.int64))
    timestamp_ms = timestamp_ms + np.where(spree, spree_gap_ms, 0)
    timestamp_ms = np.where(timestamp_ms < config.start_ms, timestamp_ms + DAY_MS, timestamp_ms)
    timestamp_ms = np.where(timestamp_ms >= config.end_ms, timestamp_ms - DAY_MS, timestamp_ms)
    return city, np.clip(timestamp_ms, config.start_ms, config.end_ms - 1)
