"""Why, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from udfs.outputs import Reason

COMBINED = "combination of several slightly unusual values"
COMBINED_WITH_ONE = "combination of values of which only one is slightly unusual"
NOTHING_STANDS_OUT = "no single value stands out: together they resemble earlier frauds"
UNUSUAL = "unusual for this user; resembles no known fraud pattern"
MOST_IN_SUMMARY = 3
_LEAST_OF_STRONGEST = 0.15


class Told(msgspec.Struct, frozen=True):
    """A reason with the short words that a sentence is made of."""

    reason: Reason
    phrase: str
    concept: str


def sentence(told: Sequence[Told], unusual: bool) -> str:
    """`Amount 8.4x this user's mean, on a device first seen 4 minutes ago, 3 payments in 5 minutes.`

    Of the reasons, strongest first, those that count as much as a part of the strongest. `unusual`: nothing but the
    anomaly raised the alert.
    """
    if not told:
        return ""
    least = _LEAST_OF_STRONGEST * told[0].reason.weight
    weighty = [item.phrase for item in told[:MOST_IN_SUMMARY] if item.reason.weight >= least]
    phrases = weighty or [told[0].phrase]
    whole = ("; " if any("," in phrase or ";" in phrase for phrase in phrases) else ", ").join(phrases)
    if unusual:
        whole = f"{whole}: {UNUSUAL}"
    return f"{whole[0].upper()}{whole[1:]}."
