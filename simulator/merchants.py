"""Merchants with category, location and popularity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator import categories, cities
from simulator.choice import Array, GroupedChoice
from simulator.config import DAY_MS, MIN_MERCHANTS

ZIPF_EXPONENT = 0.9
ONLINE_SHARE = 0.3
CASH_SHARE = 0.08
TRANSFER_SHARE = 0.02
RECENT_SHARE = 0.04


@dataclass(frozen=True, slots=True)
class Merchants:
    """Columns of length merchants; `kind` is one of categories.PHYSICAL, ONLINE, CASH, TRANSFER.

    The GroupedChoice members draw by popularity (Zipf): physical and cash merchants by city, online ones by country or
    worldwide.
    """

    kind: Array
    category: Array
    city: Array
    popularity: Array
    latitude: Array
    longitude: Array
    first_seen_ms: Array
    physical_in_city: GroupedChoice
    cash_in_city: GroupedChoice
    online_in_country: GroupedChoice
    online_anywhere: GroupedChoice
    transfer_providers: GroupedChoice

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def country(self) -> Array:
        countries: Array = cities.COUNTRY_OF_CITY[self.city]
        return countries


def make_merchants(count: int, start_ms: int, rng: np.random.Generator) -> Merchants:
    """Creates one or two shops, a cash machine and an online shop per city, and the rest by the cities' weights.

    `count` is at least MIN_MERCHANTS.
    """
    city_count = len(cities.CITIES)
    city = rng.choice(city_count, count, p=cities.WEIGHT / cities.WEIGHT.sum())
    other_share = 1 - ONLINE_SHARE - CASH_SHARE - TRANSFER_SHARE
    kind = rng.choice(4, count, p=[other_share, ONLINE_SHARE, CASH_SHARE, TRANSFER_SHARE])
    fixed = np.arange(MIN_MERCHANTS)
    city[fixed] = fixed % city_count
    roles = np.array([categories.PHYSICAL, categories.ONLINE, categories.CASH, categories.PHYSICAL])
    kind[fixed] = roles[fixed // city_count]
    kind[0] = categories.TRANSFER  # at least one transfer provider; New York keeps its second shop
    shuffled = rng.permutation(count)
    city, kind = city[shuffled], kind[shuffled]

    category = rng.choice(len(categories.CODES), count, p=categories.PHYSICAL_WEIGHT / categories.PHYSICAL_WEIGHT.sum())
    online = kind == categories.ONLINE
    online_share = categories.ONLINE_WEIGHT / categories.ONLINE_WEIGHT.sum()
    category[online] = rng.choice(len(categories.CODES), int(online.sum()), p=online_share)
    category[kind == categories.CASH] = categories.CASH_CATEGORY
    category[kind == categories.TRANSFER] = categories.TRANSFER_CATEGORY

    popularity = (1.0 + rng.permutation(count)) ** -ZIPF_EXPONENT
    age_days = np.where(rng.random(count) < RECENT_SHARE, rng.uniform(1, 30, count), rng.uniform(60, 4_000, count))

    def choice(wanted: int, groups: Array) -> GroupedChoice:
        # Merchants of other kinds form a last group that is never drawn from.
        return GroupedChoice(np.where(kind == wanted, groups, city_count), popularity)

    return Merchants(
        kind=kind,
        category=category,
        city=city,
        popularity=popularity,
        latitude=np.round(cities.LATITUDE[city] + rng.normal(0, 0.05, count), 4),
        longitude=np.round(cities.LONGITUDE[city] + rng.normal(0, 0.05, count), 4),
        first_seen_ms=(start_ms - age_days * DAY_MS).astype(np.int64),
        physical_in_city=choice(categories.PHYSICAL, city),
        cash_in_city=choice(categories.CASH, city),
        online_in_country=choice(categories.ONLINE, cities.COUNTRY_OF_CITY[city]),
        online_anywhere=choice(categories.ONLINE, np.zeros(count, np.int64)),
        transfer_providers=choice(categories.TRANSFER, np.zeros(count, np.int64)),
    )
