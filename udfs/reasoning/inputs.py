"""What the reasons of one alert are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from udfs.events import Transaction
from udfs.features.values import NamedValues
from udfs.outputs import Flag
from udfs.profiles import BlockEntry

Quantiles = Mapping[str, tuple[float | None, ...]]
"""Feature -> its values at QUANTILE_LEVELS among legitimate training rows; None where too little was known."""
QUANTILE_LEVELS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


def quantiles_of(names: Sequence[str], quantiles: Sequence[tuple[float | None, ...]]) -> Quantiles | None:
    """A manifest's quantiles by feature, where it has any; features of which too little was known are left out."""
    known = {
        name: levels
        for name, levels in zip(names, quantiles, strict=False)
        if len(levels) == len(QUANTILE_LEVELS) and any(value is not None for value in levels)
    }
    return known or None


class RuleHit(msgspec.Struct, frozen=True):
    """One rule that was true. `share` is its part of all the hits' points, 0 to 1; `names` are the features and fields
    of the event that its condition reads (`udfs.reasoning.rule_names`); `forces` says that its action is forced.
    """

    id: str
    text: str
    share: float
    names: tuple[str, ...]
    forces: bool = False


class ScoreParts(msgspec.Struct, frozen=True):
    """What moved the score, in log-odds: the model's against its base, the rules', the anomaly's (0 where it has none)."""

    model: float
    rules: float
    anomaly: float = 0.0


class AlertInputs(msgspec.Struct):
    """One alert, as decided. Nothing in it changes with later transactions, so that the same alert is explained the
    same whenever and in whatever company it is flushed: of the user's habits only what the features hold.

    `contributions` are the trees' in log-odds, positive ones only, strongest first; `deviations` the anomaly detectors',
    above their limit only, strongest first. `unusual` says that nothing but the anomaly's own budget raised the alert.
    `base_rate` is the prior that smooths fraud rates. `limit` is how many reasons are told at most; flags are all told.
    """

    transaction: Transaction
    features: NamedValues
    probability: float
    parts: ScoreParts
    contributions: Sequence[tuple[str, float]] = ()
    deviations: Sequence[tuple[str, float]] = ()
    hits: Sequence[RuleHit] = ()
    flags: dict[Flag, str] = {}
    blocked: Sequence[BlockEntry] = ()
    unusual: bool = False
    quantiles: Quantiles | None = None
    base_currency: str = "USD"
    base_rate: float = 0.01
    timezone: str | None = None
    limit: int = 8
