"""Legitimate travel: users shop in another city on some days."""

from __future__ import annotations

import numpy as np

from simulator import cities
from simulator.choice import Array, GroupedChoice
from simulator.users import Users

SLOT_DAYS = 45
TRIP_CHANCE_PER_SLOT = 0.3
DOMESTIC_SHARE = 0.55
MIN_DAYS, MAX_DAYS = 4, 12
MORNING_END_HOUR, AFTERNOON_START_HOUR = 14.0, 14.0


class Trips:
    """At most one trip per user in each slot of about 45 days.

    ``day:    s            s+1 | s+2 ...... e-2 | e-1            e``
    ``city:   home, a.m.   (away: moved to s+2 / e-2)            home, p.m.``

    The two days without purchases at each end leave enough time to fly in any time zones.
    """

    def __init__(self, users: Users, days: int, rng: np.random.Generator) -> None:
        slots = max(1, days // SLOT_DAYS)
        self._slot_days = days / slots
        shape = (slots, len(users))
        length = np.minimum(rng.integers(MIN_DAYS, MAX_DAYS + 1, shape), int(self._slot_days) - 2)
        latest = np.maximum(1, self._slot_days - 1 - length)
        slot_start = np.arange(slots)[:, None] * self._slot_days
        self._first_day = np.floor(slot_start + 1 + rng.random(shape) * (latest - 1)).astype(np.int64)
        self._last_day = self._first_day + length
        home = np.broadcast_to(users.home_city, shape).ravel()
        self._destination = _destinations(home, rng).reshape(shape)
        travels = (rng.random(shape) < TRIP_CHANCE_PER_SLOT) & (length >= MIN_DAYS)
        self._destination = np.where(travels & (self._destination != users.home_city), self._destination, -1)
        self._home_city = users.home_city

    def locate(self, user: Array, day: Array, hour: Array) -> tuple[Array, Array, Array]:
        """City, day and local hour of each purchase; purchases during travel are moved to before or after it."""
        slot = np.minimum((day / self._slot_days).astype(np.int64), len(self._destination) - 1)
        destination = self._destination[slot, user]
        first, last = self._first_day[slot, user], self._last_day[slot, user]
        travels = (destination >= 0) & (day >= first) & (day <= last)
        leaving, returning = travels & (day == first), travels & (day == last)
        hour = np.where(leaving, hour * MORNING_END_HOUR / 24, hour)
        hour = np.where(returning, AFTERNOON_START_HOUR + hour * (24 - AFTERNOON_START_HOUR) / 24, hour)
        away = travels & ~leaving & ~returning
        day = np.where(away, np.clip(day, first + 2, last - 2), day)
        return np.where(away, destination, self._home_city[user]), day, hour


def _destinations(home: Array, rng: np.random.Generator) -> Array:
    domestic = GroupedChoice(cities.COUNTRY_OF_CITY, cities.WEIGHT).draw(rng, cities.COUNTRY_OF_CITY[home])
    anywhere = GroupedChoice(np.zeros(len(cities.CITIES), np.int64), cities.WEIGHT).draw(rng, np.zeros_like(home))
    return np.where(rng.random(len(home)) < DOMESTIC_SHARE, domestic, anywhere)
