"""API of fraud patterns: draws victims, times, locations, merchants and ordinary-looking transactions."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from simulator import cities, domains
from simulator.addresses import PROXIES
from simulator.config import DAY_MS
from simulator.fraud_resources import FraudResources
from simulator.ordinary import draw_ordinary
from simulator.transactions import DEGREE_PARTS, NONE, Array, Transactions
from simulator.world import World

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
DOMESTIC_SHARE = 0.65


class Scene:
    """One pattern's view of the world; all draws come from `rng`, which belongs to the pattern.

    `purchases` are the ordinary purchases of all users, grouped by user; `wanted` is the number of frauds still to be
    injected by the pattern (an episode may exceed it).
    """

    def __init__(
        self, world: World, purchases: Transactions, resources: FraudResources, rng: np.random.Generator
    ) -> None:
        self.world = world
        self.purchases = purchases
        self.rng = rng
        self._resources = resources
        self.wanted = 0

    @property
    def start_ms(self) -> int:
        return self.world.config.start_ms

    @property
    def end_ms(self) -> int:
        return self.world.config.end_ms

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def count(self, low: int, high: int) -> int:
        """A whole number from low to high, both inclusive."""
        return int(self.rng.integers(low, high + 1))

    @cached_property
    def _rows_by_merchant(self) -> tuple[Array, Array]:
        order = np.argsort(self.purchases.merchant, kind="stable")
        bounds = np.searchsorted(self.purchases.merchant[order], np.arange(len(self.world.merchants) + 1))
        return order, bounds

    def purchases_at(self, merchant: int) -> Array:
        """Rows of the ordinary purchases at the merchant, int64 (n,)."""
        order, bounds = self._rows_by_merchant
        rows: Array = order[bounds[merchant] : bounds[merchant + 1]]
        return rows

    # Who

    @cached_property
    def _victim_limits(self) -> Array:
        open_from_start = self.world.users.first_day == 0
        if not open_from_start.any():
            open_from_start[:] = True
        limits: Array = np.cumsum(np.where(open_from_start, self.world.users.vulnerability, 0.0))
        return limits

    def victims(self, count: int) -> Array:
        """Distinct users weighted by vulnerability, int64 (count,); fewer where there are not enough."""
        found: list[int] = []
        for _ in range(8 * count):
            user = self._draw(self._victim_limits)
            if user not in found:
                found.append(user)
            if len(found) == count:
                break
        return np.array(found)

    def victim(self) -> int:
        """A user whose account was opened before the start, weighted by vulnerability."""
        return self._draw(self._victim_limits)

    def big_spender(self) -> int:
        """The one of 12 drawn victims with the largest mean amount."""
        candidates = self.victims(12)
        return int(candidates[np.argmax(self.world.users.mean_amount[candidates])])

    def _draw(self, limits: Array) -> int:
        return int(np.searchsorted(limits, self.rng.random() * limits[-1], side="right"))

    # When

    def moment(self, user: int, room_ms: int, hours: tuple[float, float] | None = None) -> int:
        """A time at which the user could pay (epoch ms UTC), at least `room_ms` before the end of the period if possible.

        `hours` is a range of local hours (from, to) that replaces the user's active hours.
        """
        users = self.world.users
        day = self.rng.integers(users.first_day[user], self.world.config.days, 1)
        if hours is None:
            hour = self.rng.normal(users.active_hour[user], users.hour_spread[user]) % 24
        else:
            hour = self.rng.uniform(*hours)
        local_ms = np.array([int(hour * HOUR_MS)])
        time_ms = int(self.world.local_time.to_utc_ms(users.home_city[[user]], day, local_ms)[0])
        first_ms = self.start_ms + int(users.first_day[user]) * DAY_MS
        while time_ms > self.end_ms - 1 - room_ms and time_ms - DAY_MS >= first_ms:
            time_ms -= DAY_MS
        while time_ms < first_ms:
            time_ms += DAY_MS
        return min(time_ms, self.end_ms - 1)

    def times(self, start_ms: int, count: int, within_ms: int) -> Array:
        """`count` sorted times (epoch ms), the first at `start_ms`, all inside the period, int64 (count,)."""
        within_ms = min(within_ms, self.end_ms - 1 - start_ms)
        offsets = np.sort(self.rng.integers(0, within_ms + 1, count))
        offsets[0] = 0
        times: Array = start_ms + offsets
        return times

    # Where

    def home(self, user: int) -> int:
        return int(self.world.users.home_city[user])

    def city_away(self, user: int, least_km: float, risky_share: float = 0.0) -> int:
        """A city at least `least_km` from the user's home; with probability `risky_share` in a high-risk country."""
        far = cities.DISTANCE_KM[self.home(user)] >= least_km
        if self.chance(risky_share):
            far &= np.isin(cities.COUNTRY_OF_CITY, cities.HIGH_RISK_COUNTRIES)
        return self._draw(np.cumsum(cities.WEIGHT * far))

    def foreign_city(self, user: int, risky_share: float) -> int:
        """A city of another country; with probability `risky_share` a high-risk country."""
        home_country = cities.COUNTRY_OF_CITY[self.home(user)]
        foreign = home_country != cities.COUNTRY_OF_CITY
        if self.chance(risky_share):
            foreign &= np.isin(cities.COUNTRY_OF_CITY, cities.HIGH_RISK_COUNTRIES)
        return self._draw(np.cumsum(cities.WEIGHT * foreign))

    def merchants(self, count: int, allowed: Array, near: int | None = None) -> Array:
        """Draws `count` of the allowed merchants (bool, (merchants,)) by popularity, int64; all NONE where none is allowed.

        With a user as `near`, with probability DOMESTIC_SHARE only merchants of the user's country, where there are any.
        """
        if near is not None and self.chance(DOMESTIC_SHARE):
            domestic = allowed & (self.world.merchants.country == cities.COUNTRY_OF_CITY[self.home(near)])
            allowed = domestic if domestic.any() else allowed
        limits = np.cumsum(self.world.merchants.popularity * allowed)
        if limits[-1] == 0:
            return np.full(count, NONE)
        found: Array = np.searchsorted(limits, self.rng.random(count) * limits[-1], side="right")
        return found

    # How

    def ordinary(
        self, user: int | Array, times_ms: Array, channel: int | None = None, city: int | None = None
    ) -> Transactions:
        """Ordinary transactions of the user (one, or one per time) at these times, by default in the home city."""
        users = np.broadcast_to(np.asarray(user), times_ms.shape)
        where = self.world.users.home_city[users] if city is None else np.full(len(times_ms), city)
        channels = None if channel is None else np.full(len(times_ms), channel)
        return draw_ordinary(self.world, self.rng, users, times_ms, where, channels)

    def amounts(self, rows: Transactions, low: float, high: float) -> Array:
        """Amounts of `low` to `high` times each user's mean, in minor units, int64 (n,)."""
        factor = self.rng.uniform(low, high, len(rows))
        amounts: Array = np.maximum(50, np.rint(self.world.users.mean_amount[rows.user] * factor)).astype(np.int64)
        return amounts

    def pay_at(self, rows: Transactions, merchant: Array) -> None:
        """Sets the rows' merchants in place; card-present payments get the merchant's location."""
        rows.merchant[:] = merchant
        in_person = np.flatnonzero((rows.device == NONE) & (merchant != NONE))
        shops = self.world.merchants
        rows.city[in_person] = shops.city[merchant[in_person]]
        rows.latitude_parts[in_person] = np.rint(shops.latitude[merchant[in_person]] * DEGREE_PARTS)
        rows.longitude_parts[in_person] = np.rint(shops.longitude[merchant[in_person]] * DEGREE_PARTS)

    def set_location(self, rows: Transactions, city: int) -> None:
        """Sets one location in the city for all rows, in place."""
        rows.city[:] = city
        rows.latitude_parts[:] = round((cities.LATITUDE[city] + self.rng.normal(0, 0.03)) * DEGREE_PARTS)
        rows.longitude_parts[:] = round((cities.LONGITUDE[city] + self.rng.normal(0, 0.03)) * DEGREE_PARTS)

    def use_device(self, rows: Transactions, device: int, address: int) -> None:
        """Sets one device and one address for the online rows, in place."""
        online = rows.device != NONE
        rows.device[online] = device
        rows.address[online] = address

    def fraud_device(self) -> int:
        """A fraudster's device: mostly a new one, sometimes one used before."""
        return self._resources.device(self.rng)

    def fraud_address(self, city: int) -> int:
        """A fraudster's IP address: a known proxy, a VPN exit, a new address or a carrier's of the city."""
        draw = self.rng.random()
        if draw < 0.35:
            return self.world.addresses.first_proxy + int(self.rng.integers(PROXIES))
        if draw < 0.5:
            return int(self.world.addresses.vpn(self.rng.random(1))[0])
        if draw < 0.75:
            return self._resources.fresh_address()
        return int(self.world.addresses.carrier(np.array([city]), self.rng.random(1))[0])

    def mule_account(self) -> int:
        """A mule's account from the pool shared by all patterns."""
        return self._resources.mule_account(self.rng)

    def fraud_domain(self, user: int) -> int:
        """An e-mail domain: the victim's own, a large provider's, or a disposable one."""
        draw = self.rng.random()
        if draw < 0.45:
            return int(self.world.users.domain[user])
        if draw < 0.75:
            return int(self.rng.integers(len(domains.PROVIDERS)))
        return domains.FIRST_THROW_AWAY + int(self.rng.integers(len(domains.THROW_AWAY)))
