"""Users and their habits: home, amounts, favourite merchants, active hours, channels and devices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator import cities, domains
from simulator.choice import Array
from simulator.config import DAY_MS, SimulatorConfig
from simulator.merchants import Merchants

FAVOURITE_SHOPS = 8
FAVOURITE_ONLINE_SHOPS = 6
PAYEES = 4
HOME_SPREAD_DEGREES = 0.08
RECENTLY_OPENED_SHARE = 0.06
RECENT_DAYS = 30
OPENING_MARGIN_DAYS = 3
CHANNEL_MIX = np.array([0.52, 0.06, 0.34, 0.0, 0.08])  # pos, atm, ecommerce, upi, transfer
CHANNEL_MIX_WITH_UPI = np.array([0.22, 0.06, 0.22, 0.42, 0.08])
MIX_CONCENTRATION = 14.0


@dataclass(frozen=True, slots=True)
class Users:
    """Columns of length users. Amounts are in minor units of the base currency, hours in local time.

    An amount is exp(log_amount + amount_spread * normal) * the category's scale; `mean_amount` is its mean at scale 1.
    `channel_limits` is the cumulative channel mix, float (users, channels). Favourites are merchants, (users, n).
    A user's own devices are numbered from `first_device` on, `device_count` of them; the next number is the device that
    the user switches to at `device_switch_ms` (never, where it is after the period). `vulnerability` is the user's
    relative probability of becoming a victim; `first_day` is the first day of the period on which the account is open.
    """

    home_city: Array
    home_latitude: Array
    home_longitude: Array
    log_amount: Array
    amount_spread: Array
    mean_amount: Array
    rate: Array
    active_hour: Array
    hour_spread: Array
    channel_limits: Array
    contactless_share: Array
    favourite_shops: Array
    favourite_online_shops: Array
    own_cash_machine: Array
    payees: Array
    first_device: Array
    device_count: Array
    device_switch_ms: Array
    borrows_device: Array
    domain: Array
    is_vip: Array
    kyc_level: Array
    opened_ms: Array
    first_day: Array
    born_ms: Array
    vulnerability: Array

    def __len__(self) -> int:
        return len(self.home_city)

    @property
    def device_total(self) -> int:
        """Number of the users' devices, including future ones; also the first free device number."""
        return int(self.first_device[-1] + self.device_count[-1] + 1)


def make_users(config: SimulatorConfig, merchants: Merchants, rng: np.random.Generator) -> Users:
    """Draws every user's habits."""
    count = config.users
    home_city = rng.choice(len(cities.CITIES), count, p=cities.WEIGHT / cities.WEIGHT.sum())
    is_vip = rng.random(count) < 0.03
    log_amount = rng.normal(np.log(3_000), 0.55, count) + 1.1 * is_vip
    amount_spread = rng.uniform(0.45, 0.85, count)
    opened_ms, first_day = _openings(config, rng)
    device_count = rng.choice([1, 2, 3], count, p=[0.5, 0.35, 0.15])
    new_account = opened_ms > config.start_ms - RECENT_DAYS * DAY_MS
    night_worker = rng.random(count) < 0.04
    favourite_rows = np.repeat(np.arange(count), FAVOURITE_SHOPS)
    shops = merchants.physical_in_city.draw(rng, home_city[favourite_rows]).reshape(count, FAVOURITE_SHOPS)
    return Users(
        home_city=home_city,
        home_latitude=np.round(cities.LATITUDE[home_city] + rng.normal(0, HOME_SPREAD_DEGREES, count), 4),
        home_longitude=np.round(cities.LONGITUDE[home_city] + rng.normal(0, HOME_SPREAD_DEGREES, count), 4),
        log_amount=log_amount,
        amount_spread=amount_spread,
        mean_amount=np.exp(log_amount + amount_spread**2 / 2),
        rate=rng.lognormal(0.0, 0.7, count),
        active_hour=np.where(night_worker, rng.normal(1.0, 2.0, count), rng.normal(14.5, 2.0, count)) % 24,
        hour_spread=rng.uniform(2.0, 4.0, count),
        channel_limits=_channel_limits(home_city, rng),
        contactless_share=rng.beta(4, 2, count),
        favourite_shops=shops,
        favourite_online_shops=_favourite_online_shops(home_city, merchants, rng),
        own_cash_machine=merchants.cash_in_city.draw(rng, home_city),
        payees=rng.integers(0, count + count // 2 + 1, (count, PAYEES)),
        first_device=np.concatenate(([0], np.cumsum(device_count + 1)[:-1])),
        device_count=device_count,
        device_switch_ms=config.start_ms + (rng.exponential(250, count) * DAY_MS).astype(np.int64),
        borrows_device=rng.random(count) < 0.03,
        domain=_domains(count, rng),
        is_vip=is_vip,
        kyc_level=np.where(rng.random(count) < np.where(new_account, 0.2, 0.04), 0, rng.integers(1, 4, count)),
        opened_ms=opened_ms,
        first_day=first_day,
        born_ms=config.start_ms - (rng.uniform(18, 85, count) * 365.25 * DAY_MS).astype(np.int64),
        vulnerability=rng.lognormal(0.0, 0.8, count),
    )


def _openings(config: SimulatorConfig, rng: np.random.Generator) -> tuple[Array, Array]:
    """Opening times of accounts (epoch ms) and first active days; some shortly before or within the period."""
    opening_day = -RECENT_DAYS - 1 - rng.exponential(1_300, config.users).astype(np.int64)
    recent = rng.random(config.users) < RECENTLY_OPENED_SHARE
    # Time zones and the start's time of day shift a day by less than two, so three days later is after the opening.
    latest = max(-OPENING_MARGIN_DAYS, min(config.days - 2 - OPENING_MARGIN_DAYS, int(0.7 * config.days)))
    opening_day[recent] = rng.integers(-RECENT_DAYS, latest + 1, int(recent.sum()))
    opened_ms = config.start_ms + opening_day * DAY_MS + rng.integers(0, DAY_MS, config.users)
    return np.maximum(0, opened_ms), np.maximum(0, opening_day + OPENING_MARGIN_DAYS)


def _channel_limits(home_city: Array, rng: np.random.Generator) -> Array:
    has_upi = cities.COUNTRY_OF_CITY[home_city] == cities.UPI_COUNTRY
    mix = np.where(has_upi[:, None], CHANNEL_MIX_WITH_UPI, CHANNEL_MIX)
    own = rng.standard_gamma(MIX_CONCENTRATION * mix)  # normalised gamma variates are Dirichlet-distributed
    cumulative: Array = np.cumsum(own / own.sum(axis=1, keepdims=True), axis=1)
    return cumulative


def _favourite_online_shops(home_city: Array, merchants: Merchants, rng: np.random.Generator) -> Array:
    rows = np.repeat(home_city, FAVOURITE_ONLINE_SHOPS)
    domestic = merchants.online_in_country.draw(rng, cities.COUNTRY_OF_CITY[rows])
    anywhere = merchants.online_anywhere.draw(rng, np.zeros(len(rows), np.int64))
    return np.where(rng.random(len(rows)) < 0.75, domestic, anywhere).reshape(-1, FAVOURITE_ONLINE_SHOPS)


def _domains(count: int, rng: np.random.Generator) -> Array:
    weights = np.array(domains.PROVIDER_WEIGHTS)
    chosen = rng.choice(len(weights), count, p=weights / weights.sum())
    kind = rng.random(count)
    employer = domains.FIRST_EMPLOYER + rng.integers(0, len(domains.EMPLOYERS), count)
    throw_away = domains.FIRST_THROW_AWAY + rng.integers(0, len(domains.THROW_AWAY), count)
    return np.where(kind < 0.01, throw_away, np.where(kind < 0.09, employer, chosen))
