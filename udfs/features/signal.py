"""When a feature's value is a reason: the direction that raises the risk, and the limits.

A concept groups the features and rules that an analyst sees as one subject. An alert has at most one reason a concept.
"""

from __future__ import annotations

from math import inf
from typing import Final, Literal

import msgspec

Direction = Literal["high", "low", "either", "true", "false", "rate", "amount", "night", "never"]
TWO_SIDED: Final = frozenset({"amount", "either"})
"""Directions in which both high and low values can be evidence."""


class Signal(msgspec.Struct, frozen=True):
    """When one feature is evidence of `concept`.

    `direction`:
    high    value >= `least` (and <= `most`, if given) and above the population's .95 quantile; without quantiles
            value >= `clear`
    low     value <= `most` (and >= `least`) and below the population's .05 quantile; without quantiles value <= `certain`
    either  outside the population's .01 and .99 quantiles
    true    a flag that is set and not common in the population
    false   a flag that is not set though common in the population
    rate    a fraud rate clearly above the base rate
    amount  outside the range of the user's amounts, or of the population's
    night   at night, if the user seldom pays at night
    never   no reason by itself; its contribution is added to that of its concept (e.g. the logarithm of the amount)

    `personal`: the feature compares with the same user; beyond `clear` or `certain` it is evidence whatever the quantiles.
    `needs`, `needs_least`: the value is evidence only if the feature `needs` is known and at least `needs_least`.
    `rank`: a reason names the evidence of the lowest rank in its concept. `joins`: if there is evidence of that concept
    too, the two findings are merged. `read_from`: the transaction's field that a flag is computed from; a rule on the
    field counts as a rule on the flag.
    """

    concept: str
    direction: Direction = "never"
    least: float = 0.0
    clear: float = inf
    most: float = 0.0
    certain: float = -inf
    rank: int = 1
    personal: bool = False
    joins: str = ""
    needs: str = ""
    needs_least: float = 0.0
    read_from: str = ""
