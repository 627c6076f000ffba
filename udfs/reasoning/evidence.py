"""Is a feature's value a reason? Known, in the direction that raises the risk, and unusual for user or population."""

from __future__ import annotations

from math import inf
from typing import Final

import msgspec

from udfs.reasoning.inputs import AlertInputs
from udfs.reasoning.signals import Signal, signal_of
from udfs.reasoning.usual import FEWEST_PAYMENTS, Q01, Q05, Q25, Q50, Q75, Q95, Q99, UserAmounts, user_amounts

CLEARLY_ABOVE_BASE: Final = 2.0
"""A fraud rate is a reason from so many times the base rate on; at it there is at least one fraud beyond the prior."""
SELDOM_AT_NIGHT: Final = 0.1
SMALL_AMOUNT_RATIO: Final = 0.1
Levels = tuple[float | None, ...]
_UNKNOWN_LEVELS: Levels = (None,) * 7


class Evidence(msgspec.Struct, gc=False):
    """A value that is a reason. `strength` tells how far it is out, to choose between spans of time."""

    name: str
    value: float
    rank: int
    strength: float


class Examiner:
    """Looks at the features of one alert."""

    def __init__(self, inputs: AlertInputs) -> None:
        self.amounts: UserAmounts | None = user_amounts(inputs.features)
        self._features = inputs.features
        self._base_rate = inputs.base_rate
        self._quantiles = inputs.quantiles if inputs.quantiles is not None else {}

    def examine(self, name: str, value: float, signal: Signal) -> Evidence | None:
        """The value as evidence, or None if it is no reason. What speaks of the hour is evidence by the local hour."""
        risky = signal.risky
        if risky == "never" or value != value or not self._means_something(signal):
            return None
        if risky == "night":
            name, value = "hour_local", self._features["hour_local"]
        strength = self._strength(name, value, signal)
        return Evidence(name, value, signal.rank, strength) if strength > 0.0 else None

    def as_it_is(self, name: str) -> Evidence | None:
        """A feature that a rule is about; of no strength where the value is no reason by itself. None: not known."""
        signal, value = signal_of(name), self._features[name]
        if value != value:
            return None
        return self.examine(name, value, signal) or Evidence(name, value, signal.rank, 0.0)

    def is_slightly(self, name: str, value: float, signal: Signal) -> bool:
        """Does a value that is no reason by itself lean towards one? Told only where there is nothing else to tell."""
        risky = signal.risky
        if value != value or not value or not self._means_something(signal):
            return False
        levels = self._levels(name)
        lower, upper = levels[Q25], levels[Q75]
        if risky == "high":
            if value > signal.most > 0.0 or not (value > 1.0 or signal.least == 1.0):  # a count of one, but of frauds
                return False
            return not signal.concept.endswith("_activity") and (
                value >= signal.least if upper is None else value > upper
            )
        if risky == "amount":
            middle = levels[Q50]
            return value > 1.2 if signal.least else middle is not None and value > middle
        if risky == "low":
            return value <= 4.0 * signal.most and (lower is None or value < lower)
        if risky == "rate":
            return value > 1.2 * self._base_rate
        return risky == "true" and value == 1.0

    def is_small(self, name: str, value: float, signal: Signal) -> bool:
        """Is it an amount that looks like a try, or another number below nearly all of the population?"""
        if signal.risky != "amount" or self.amounts is None:
            limit = self._levels(name)[Q05]
            return limit is not None and value < limit
        amount = self._features["amount"]
        return amount < self.amounts.low and amount <= SMALL_AMOUNT_RATIO * self.amounts.mean

    def _strength(self, name: str, value: float, signal: Signal) -> float:
        risky, levels = signal.risky, self._levels(name)
        if risky == "high":
            is_within = value >= signal.least and not value > signal.most > 0.0
            if is_within and _is_high(value, signal, levels[Q95]):
                return value / (signal.clear if signal.clear < inf else signal.least)
        elif risky == "low":
            if signal.least <= value <= signal.most and _is_low(value, signal, levels[Q05]):
                return 1.0 + (signal.most - value) / (signal.most + 1.0)
        elif risky == "true":
            limit = levels[Q75]
            return 1.0 if value == 1.0 and (signal.clear <= 1.0 if limit is None else limit < 1.0) else 0.0
        elif risky == "false":
            limit = levels[Q25]
            return 1.0 if value == 0.0 and limit is not None and limit > 0.0 else 0.0
        elif risky == "rate":
            least, limit = CLEARLY_ABOVE_BASE * self._base_rate, levels[Q95]
            return value / least if value >= least and (limit is None or value > limit) else 0.0
        elif risky == "night":
            return 1.0 if self._is_unusual_at_night() else 0.0
        elif risky == "amount":
            return self._multiple(name, value, signal) if signal.least else self._amount(name, value, signal)
        else:
            low, high = levels[Q01], levels[Q99]
            return 1.0 if (low is not None and value < low) or (high is not None and value > high) else 0.0
        return 0.0

    def _multiple(self, name: str, value: float, signal: Signal) -> float:
        """The amount against what this user pays: beyond the user's range, or far more than others pay above their own."""
        if value < signal.least:
            return 1.0 if name == "amount_vs_user_avg" and self.is_small(name, value, signal) else 0.0
        amounts, limit = self.amounts, self._levels(name)[Q95]
        is_beyond = self._features["amount"] > amounts.high if amounts is not None else value >= signal.clear
        return value / signal.least if is_beyond or (limit is not None and value > limit) else 0.0

    def _amount(self, name: str, value: float, signal: Signal) -> float:
        """The amount itself: beyond the user's range, or the population's where nothing is known of the user."""
        amounts, levels = self.amounts, self._levels(name)
        if self.is_small(name, value, signal):
            lowest = levels[Q05]
            return 1.0 if lowest is not None and value < lowest else 0.0
        if amounts is not None:
            return value / amounts.mean if value > amounts.high and value > 2.0 * amounts.mean else 0.0
        highest = levels[Q95]
        return 1.0 if highest is not None and value > highest else 0.0

    def _is_unusual_at_night(self) -> bool:
        features = self._features
        if features["is_night"] != 1.0:
            return False
        share = features["user_night_share"]
        if features["user_txn_count"] >= FEWEST_PAYMENTS and share == share:
            return share < SELDOM_AT_NIGHT
        limit = self._levels("is_night")[Q75]
        return limit is None or limit < 1.0

    def _means_something(self, signal: Signal) -> bool:
        return not signal.needs or self._features[signal.needs] >= signal.needs_least

    def _levels(self, name: str) -> Levels:
        return self._quantiles.get(name, _UNKNOWN_LEVELS)


def _is_high(value: float, signal: Signal, limit: float | None) -> bool:
    if limit is None:
        return value >= signal.clear
    return value > limit or (signal.personal and value >= signal.clear)


def _is_low(value: float, signal: Signal, limit: float | None) -> bool:
    if limit is None:
        return value <= signal.certain
    return value < limit or (signal.personal and value <= signal.certain)
