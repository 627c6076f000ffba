"""Draws the counterparties of payments: favourite merchants, known payees, and new ones."""

from __future__ import annotations

import numpy as np

from simulator import cities
from simulator.choice import Array
from simulator.transactions import ATM, ECOMMERCE, NONE, POS, TRANSFER_CHANNEL, UPI
from simulator.world import World

FAVOURITE_SHARE = 0.78
KNOWN_PAYEE_SHARE = 0.85


def draw_counterparties(
    world: World, rng: np.random.Generator, user: Array, city: Array, channel: Array
) -> tuple[Array, Array]:
    """Merchant and beneficiary of each payment, int64 (n,), NONE where absent.

    Mostly the user's favourites, weighted by rank; otherwise popular merchants of the user's current city.
    """
    users, merchants = world.users, world.merchants
    merchant = np.full(len(user), NONE)
    beneficiary = np.full(len(user), NONE)
    at_home = city == users.home_city[user]
    favours = rng.random(len(user)) < FAVOURITE_SHARE

    shop = np.flatnonzero((channel == POS) | ((channel == UPI) & (rng.random(len(user)) < 0.55)))
    usual = users.favourite_shops[user[shop], _draw_ranks(rng, len(shop), users.favourite_shops.shape[1])]
    other = merchants.physical_in_city.draw(rng, city[shop])
    merchant[shop] = np.where(favours[shop] & at_home[shop], usual, other)

    web = np.flatnonzero(channel == ECOMMERCE)
    usual = users.favourite_online_shops[user[web], _draw_ranks(rng, len(web), users.favourite_online_shops.shape[1])]
    domestic = merchants.online_in_country.draw(rng, cities.COUNTRY_OF_CITY[users.home_city[user[web]]])
    anywhere = merchants.online_anywhere.draw(rng, np.zeros(len(web), np.int64))
    other = np.where(rng.random(len(web)) < 0.7, domestic, anywhere)
    merchant[web] = np.where(favours[web], usual, other)

    cash = np.flatnonzero(channel == ATM)
    nearby = merchants.cash_in_city.draw(rng, city[cash])
    merchant[cash] = np.where(favours[cash] & at_home[cash], users.own_cash_machine[user[cash]], nearby)

    sends = np.flatnonzero((channel == TRANSFER_CHANNEL) | ((channel == UPI) & (merchant == NONE)))
    known = users.payees[user[sends], _draw_ranks(rng, len(sends), users.payees.shape[1])]
    stranger = rng.integers(0, len(users) + len(users) // 2 + 1, len(sends))
    beneficiary[sends] = np.where(rng.random(len(sends)) < KNOWN_PAYEE_SHARE, known, stranger)
    provider = merchants.transfer_providers.draw(rng, np.zeros(len(sends), np.int64))
    wired = (channel[sends] == TRANSFER_CHANNEL) & (rng.random(len(sends)) < 0.5)
    merchant[sends] = np.where(wired, provider, NONE)
    return merchant, beneficiary


def _draw_ranks(rng: np.random.Generator, count: int, ranks: int) -> Array:
    """Draws ranks from 0 with weights 1, 1/2, 1/3 …, int64 (count,)."""
    limits = np.cumsum(1 / np.arange(1, ranks + 1))
    ranks_drawn: Array = np.searchsorted(limits, rng.random(count) * limits[-1])
    return ranks_drawn
