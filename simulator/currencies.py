"""Local currencies, for simulations with `multi_currency`."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from simulator import cities
from simulator.transactions import NONE, Transactions
from simulator.world import World

BASE_EXPONENT = 2


class Currency(NamedTuple):
    """`rate` is the value of one major unit in the base currency, as decimal text; `exponent` is that of ISO 4217."""

    code: str
    rate: str
    exponent: int
    countries: tuple[str, ...]


CURRENCIES: tuple[Currency, ...] = (
    Currency("USD", "1", 2, ("US",)),
    Currency("EUR", "1.08", 2, ("IE", "FR", "DE", "ES", "PT", "IT", "NL")),
    Currency("GBP", "1.26", 2, ("GB",)),
    Currency("CHF", "1.12", 2, ("CH",)),
    Currency("CAD", "0.73", 2, ("CA",)),
    Currency("JPY", "0.0067", 0, ("JP",)),
    Currency("KRW", "0.00074", 0, ("KR",)),
    Currency("INR", "0.012", 2, ("IN",)),
    Currency("BRL", "0.18", 2, ("BR",)),
    Currency("AUD", "0.65", 2, ("AU",)),
)
CODES = tuple(currency.code for currency in CURRENCIES)
MINOR_PER_MAJOR = np.array([10**currency.exponent for currency in CURRENCIES])


def to_local_currencies(world: World, transactions: Transactions) -> None:
    """Converts amounts in place to the currency of the merchant's country, or of the user's home without a merchant."""
    of_country = np.zeros(len(cities.COUNTRIES), np.int64)
    for number, currency in enumerate(CURRENCIES):
        for code in currency.countries:
            of_country[cities.COUNTRIES.index(code)] = number
    home = cities.COUNTRY_OF_CITY[world.users.home_city[transactions.user]]
    country = np.where(transactions.merchant == NONE, home, world.merchants.country[transactions.merchant])
    transactions.currency[:] = of_country[country]
    base_per_minor = np.array([float(currency.rate) / 10**currency.exponent for currency in CURRENCIES])
    amount = transactions.amount_minor / 10**BASE_EXPONENT / base_per_minor[transactions.currency]
    transactions.amount_minor[:] = np.maximum(1, np.rint(amount))
