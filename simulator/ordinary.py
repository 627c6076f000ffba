"""Draws ordinary transactions for (user, time, city) from the users' habits."""

from __future__ import annotations

import numpy as np

from simulator import categories, cities, domains
from simulator.choice import Array
from simulator.counterparties import draw_counterparties
from simulator.transactions import (
    APPROVED,
    ATM,
    CHIP,
    CONTACTLESS,
    DECLINED,
    DEGREE_PARTS,
    ECOMMERCE,
    MAGSTRIPE,
    MANUAL,
    NONE,
    NOT_FRAUD,
    ONLINE_ENTRY,
    POS,
    PURCHASE,
    TRANSFER_CHANNEL,
    UPI,
    Transactions,
)
from simulator.world import World

LARGE_SHARE, LARGE_LOW, LARGE_HIGH = 0.005, 3.0, 15.0
BIG_TRANSFER_SHARE, BIG_TRANSFER_MEDIAN_MINOR, BIG_TRANSFER_SPREAD = 0.025, 1_500_000, 1.1
TRANSFER_SCALE, UPI_SCALE = 3.0, 1.2
MIN_AMOUNT_MINOR, MAX_AMOUNT_MINOR = 50, 50_000_000
WRONG_LOCATION_SHARE = 0.03
UNKNOWN_LOCATION_SHARE = 0.03
VPN_SHARE = 0.025
GUEST_SHARE = 0.2


def draw_ordinary(
    world: World,
    rng: np.random.Generator,
    user: Array,
    timestamp_ms: Array,
    city: Array,
    channel: Array | None = None,
) -> Transactions:
    """Draws transactions of `user` (n,) at `timestamp_ms` (n,) while in `city` (n,), by each user's habits.

    `channel` (n,) sets the channels; by default they are drawn from the users' channel mixes.
    """
    count = len(user)
    if channel is None:
        channel = (rng.random(count)[:, None] > world.users.channel_limits[user, :-1]).sum(axis=1)
    merchant, beneficiary = draw_counterparties(world, rng, user, city, channel)
    online = channel >= ECOMMERCE
    location = _draw_locations(world, rng, user, city, merchant, online)
    amount = _draw_amounts(world, rng, user, channel, merchant)
    large = amount > 3 * world.users.mean_amount[user]
    return Transactions(
        user=user,
        timestamp_ms=timestamp_ms,
        amount_minor=amount,
        merchant=merchant,
        channel=channel,
        entry_mode=_draw_entry_modes(world, rng, user, channel),
        device=np.where(online, draw_devices(world, rng, user, timestamp_ms), NONE),
        address=np.where(online, draw_addresses(world, rng, user, city), NONE),
        city=location[0],
        latitude_parts=location[1],
        longitude_parts=location[2],
        otp=_draw_one_time_passwords(rng, channel, large),
        beneficiary=beneficiary,
        domain=np.where(channel == ECOMMERCE, _draw_domains(world, rng, user), NONE),
        auth_result=np.where(rng.random(count) < np.where(large, 0.05, 0.02), DECLINED, APPROVED),
        kind=np.full(count, PURCHASE),
        logs_in=online & (rng.random(count) >= GUEST_SHARE),
        session=np.full(count, NONE),
        currency=np.zeros(count, np.int8),
        pattern=np.full(count, NOT_FRAUD),
    )


def _draw_amounts(world: World, rng: np.random.Generator, user: Array, channel: Array, merchant: Array) -> Array:
    """Amounts in minor units, int64: the user's lognormal times the category's scale; cash and most transfers rounded."""
    users = world.users
    count = len(user)
    scale = np.where(
        merchant == NONE,
        np.where(channel == UPI, UPI_SCALE, TRANSFER_SCALE),
        categories.AMOUNT_SCALE[world.merchants.category[merchant]],
    )
    amount = np.exp(users.log_amount[user] + users.amount_spread[user] * rng.standard_normal(count)) * scale
    large = rng.random(count) < LARGE_SHARE
    amount[large] *= rng.uniform(LARGE_LOW, LARGE_HIGH, int(large.sum()))
    transfer = np.flatnonzero(channel == TRANSFER_CHANNEL)
    if len(transfer):
        big = transfer[rng.random(len(transfer)) < BIG_TRANSFER_SHARE]
        amount[big] = BIG_TRANSFER_MEDIAN_MINOR * np.exp(BIG_TRANSFER_SPREAD * rng.standard_normal(len(big)))
        step = np.where(amount[transfer] > 500_000, 50_000, 1_000)
        rounded = np.maximum(step, np.round(amount[transfer] / step) * step)
        amount[transfer] = np.where(rng.random(len(transfer)) < 0.6, rounded, amount[transfer])
    cash = channel == ATM
    amount[cash] = np.maximum(2_000, np.round(amount[cash] / 2_000) * 2_000)
    minor: Array = np.clip(np.round(amount), MIN_AMOUNT_MINOR, MAX_AMOUNT_MINOR).astype(np.int64)
    return minor


def _draw_locations(
    world: World, rng: np.random.Generator, user: Array, city: Array, merchant: Array, online: Array
) -> tuple[Array, Array, Array]:
    """City and coordinates (1/10,000 degree): the shop's, or the geolocation of the user's address; sometimes unknown."""
    users, merchants = world.users, world.merchants
    count = len(user)
    seen_city = np.where(online, city, merchants.city[merchant])
    wrong = online & (rng.random(count) < WRONG_LOCATION_SHARE)
    seen_city = np.where(wrong, rng.integers(0, len(cities.CITIES), count), seen_city)
    at_home = online & (seen_city == users.home_city[user])
    jitter = rng.normal(0, 0.02, (2, count))
    latitude = np.where(at_home, users.home_latitude[user], cities.LATITUDE[seen_city]) + jitter[0]
    longitude = np.where(at_home, users.home_longitude[user], cities.LONGITUDE[seen_city]) + jitter[1]
    latitude = np.where(online, latitude, merchants.latitude[merchant])
    longitude = np.where(online, longitude, merchants.longitude[merchant])
    seen_city = np.where(rng.random(count) < UNKNOWN_LOCATION_SHARE, NONE, seen_city)
    return seen_city, np.rint(latitude * DEGREE_PARTS), np.rint(longitude * DEGREE_PARTS)


def _draw_entry_modes(world: World, rng: np.random.Generator, user: Array, channel: Array) -> Array:
    draw = rng.random(len(user))
    contactless = world.users.contactless_share[user]
    limits = [draw < 0.015, draw < 0.05, draw < 0.05 + 0.95 * contactless]
    at_shop = np.select(limits, [MANUAL, MAGSTRIPE, CONTACTLESS], CHIP)
    at_cash = np.where(draw < 0.07, MAGSTRIPE, CHIP)
    return np.where(channel == POS, at_shop, np.where(channel == ATM, at_cash, ONLINE_ENTRY))


def draw_devices(world: World, rng: np.random.Generator, user: Array, timestamp_ms: Array) -> Array:
    """Own devices, mostly the first; the new one after a switch; sometimes a relative's."""
    users = world.users
    draw, other = rng.random(len(user)), rng.random(len(user))
    own = np.where(draw < 0.75, 0, (other * users.device_count[user]).astype(np.int64))
    switched = (timestamp_ms >= users.device_switch_ms[user]) & (draw < 0.85)
    device = users.first_device[user] + np.where(switched, users.device_count[user], own)
    borrows = users.borrows_device[user] & (draw > 0.8)
    return np.where(borrows, users.first_device[user - 1], device)


def draw_addresses(world: World, rng: np.random.Generator, user: Array, city: Array) -> Array:
    """The home address when at home, otherwise a mobile carrier's of the city; sometimes a VPN exit."""
    kind, draw = rng.random(len(user)), rng.random(len(user))
    at_home = (city == world.users.home_city[user]) & (kind < 0.65)
    address = np.where(at_home, user, world.addresses.carrier(city, draw))
    return np.where(kind > 1 - VPN_SHARE, world.addresses.vpn(draw), address)


def _draw_one_time_passwords(rng: np.random.Generator, channel: Array, large: Array) -> Array:
    """1 used, 0 not used, NONE where the channel has no one-time passwords."""
    chance = np.select([channel == ECOMMERCE, channel == UPI], [np.where(large, 0.85, 0.5), 0.96], 0.9)
    return np.where(channel < ECOMMERCE, NONE, rng.random(len(channel)) < chance)


def _draw_domains(world: World, rng: np.random.Generator, user: Array) -> Array:
    other = rng.integers(0, domains.FIRST_THROW_AWAY, len(user))
    return np.where(rng.random(len(user)) < 0.02, other, world.users.domain[user])
