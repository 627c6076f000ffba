"""What is usual: of this user, by what the features hold of the earlier payments, or of the population, by its quantiles."""

from __future__ import annotations

from functools import lru_cache
from math import exp, log1p, sqrt
from typing import Final

import msgspec

from udfs.features.quantities import Form, percent, quantity, rounded_money
from udfs.features.values import NamedValues
from udfs.features.words import words_of
from udfs.reasoning.inputs import Quantiles

FEWEST_PAYMENTS: Final = 5
"""Below it nothing is usual for a user yet."""
_FEWEST_OF_MONTH: Final = 10
_NINETY_PERCENT: Final = 1.645
"""Of a normal distribution 90 % lie within so many deviations."""
Q01, Q05, Q25, Q50, Q75, Q95, Q99 = range(7)


class UserAmounts(msgspec.Struct, frozen=True):
    """What this user pays: the mean, and between which amounts about 90 % lie. Base currency."""

    low: float
    high: float
    mean: float
    of_month: bool


def user_amounts(features: NamedValues) -> UserAmounts | None:
    """By mean and deviation of the last 30 days (of 10 payments or more) or of all payments, as if logarithms of amounts
    were normally distributed: so the range is never negative. None where fewer than 5 payments are known.
    """
    of_month = features["user_txn_count_30d"] >= _FEWEST_OF_MONTH
    if of_month:
        mean, deviation = features["user_avg_amount_30d"], features["user_std_amount_30d"]
    elif features["user_txn_count"] >= FEWEST_PAYMENTS:
        mean, deviation = features["user_avg_amount"], features["user_std_amount"]
    else:
        return None
    if not mean > 0.0:
        return None
    variance = log1p((deviation / mean) ** 2)
    middle = mean * exp(-variance / 2.0)
    width = exp(_NINETY_PERCENT * sqrt(variance))
    return UserAmounts(middle / width, min(middle * width, features["user_max_amount"]), mean, of_month)


def amounts_in_words(amounts: UserAmounts, currency: str) -> str:
    """`usually 12 to 85 USD (30-day mean 41)`."""
    low, high = rounded_money(amounts.low, currency), rounded_money(amounts.high, currency)
    span = low if low == high else f"{low} to {high}"
    mean = rounded_money(amounts.mean, currency)
    return f"usually {span} {currency} ({'30-day ' if amounts.of_month else ''}mean {mean})"


def of_population(name: str, value: float, quantiles: Quantiles | None, currency: str) -> str | None:
    """Where most of the population lies: of the side that `value` is on the level that is farthest out and not reached."""
    levels = quantiles.get(name) if quantiles is not None else None
    if levels is None:
        return None
    form = words_of(name).form
    low, high = levels[Q05], levels[Q95]
    if form == "flag":
        return _flag_of_population(value, levels)
    for position, share in ((Q99, "99 %"), (Q95, "95 %")):
        limit = levels[position]
        if limit is not None and value > limit:
            return f"at most {_written(form, limit, currency)} in {share} of payments"
    for position, share in ((Q01, "99 %"), (Q05, "95 %")):
        limit = levels[position]
        if limit is not None and value < limit:
            return f"at least {_written(form, limit, currency)} in {share} of payments"
    if low is None or high is None:
        return None
    first, last = _written(form, low, currency), _written(form, high, currency)
    return f"{first if first == last else f'{first} to {last}'} in 90 % of payments"


def _flag_of_population(value: float, levels: tuple[float | None, ...]) -> str | None:
    for position, share in ((Q95, "5 %"), (Q75, "25 %")) if value else ((Q05, "5 %"), (Q25, "25 %")):
        limit = levels[position]
        if limit is not None and limit != value:
            return f"in fewer than {share} of payments"
    return None


@lru_cache(maxsize=4096)
def _written(form: Form, value: float, currency: str) -> str:
    return quantity(form, value, currency)


def frequency_in_words(features: NamedValues) -> str | None:
    """How often this user pays; None where that is not known."""
    per_day = features["user_txn_per_day"]
    if not features["user_txn_count"] >= FEWEST_PAYMENTS or per_day != per_day:
        return None
    if per_day >= 0.95:
        return f"this user makes {per_day:,.1f} payments a day"
    days = 1.0 / per_day if per_day > 0.0 else 0.0
    return f"this user makes a payment every {days:,.1f} days" if days else None


def nights_in_words(features: NamedValues) -> str | None:
    """How often this user pays at night; None where that is not known."""
    share = features["user_night_share"]
    if share != share or not features["user_txn_count"] >= FEWEST_PAYMENTS:
        return None
    return f"this user pays at night in {percent(share)} of payments"


def known_before(features: NamedValues) -> str:
    """Against what something is new."""
    return f"not among what is known of this user's {features['user_txn_count']:,.0f} earlier payments"


def without_fraud_in_words(quantiles: Quantiles | None) -> str | None:
    """How usual it is that no fraud of a user was ever confirmed; None where that is not known to be usual."""
    levels = quantiles.get("prior_fraud_count") if quantiles is not None else None
    for position, share in ((Q95, "95 %"), (Q75, "75 %")):
        if levels is not None and levels[position] == 0.0:
            return f"{share} of payments come from users without a confirmed fraud"
    return None
