"""What a rule set's points are worth: from their sum to a shift of the fraud's log-odds.

A map is learned from history: the fraud rate that went with each sum of points, rising. It belongs to one content of a
rule set. Points of a set without one are taken by the set's own scale, with caution: the highest score multiplies the
odds of fraud by ten, no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import pairwise
from math import log

import msgspec

from udfs.rules.rule_set import MAX_POINTS, MAX_RULES, MAX_SCORE, RuleSet
from udfs.rules.rulebook import scores_by_points

CAUTIOUS_ODDS = 10.0
"""By how much the highest score of a rule set without a map multiplies the odds."""
_CONTENT_LENGTH = 16
_SEPARATOR = "\x1f"  # no rule's id, tier or action holds it, and a condition no control character


class RuleMapError(ValueError):
    """The map cannot be used; the message says why."""


class RuleMap(msgspec.Struct, frozen=True):
    """The fraud rates of sums of points, as history gave them: `rates` in (0, 1) rise with `points`.

    `rule_set` and `version` name the set that it was learned with, `content` is the hash that it is found by
    (`content_of`). `rows` transactions with `frauds` among them were looked at.
    """

    rule_set: str
    version: int
    content: str
    points: tuple[int, ...]
    rates: tuple[float, ...]
    rows: int
    frauds: int


def content_of(rule_set: RuleSet) -> str:
    """16 hex digits of the SHA-256 over what decides how many points a transaction gets and what it is forced to.

    Name, version, scale, reasons and rules that are not enabled play no part; blanks within conditions neither.
    """
    lines = [
        _SEPARATOR.join((rule.id, str(rule.points), " ".join(rule.when.split()), rule.tier or "", rule.action or ""))
        for rule in rule_set.rules
        if rule.enabled
    ]
    return sha256("\n".join(lines).encode()).hexdigest()[:_CONTENT_LENGTH]


def map_for(maps: Iterable[RuleMap], rule_set: RuleSet) -> RuleMap | None:
    """The newest of the maps that was learned with rules of the same content; None if there is none."""
    content = content_of(rule_set)
    found = None
    for known in maps:
        if known.content == content:
            found = known
    return found


def check_rule_map(rule_map: RuleMap) -> None:
    """Raise RuleMapError unless points rise, rates lie between 0 and 1 and do not fall."""
    points, rates = rule_map.points, rule_map.rates
    if not points or len(points) != len(rates):
        raise RuleMapError(f"{len(points)} points with {len(rates)} rates; each sum of points needs one rate")
    if not (points[0] >= 0 and points[-1] <= MAX_RULES * MAX_POINTS):
        raise RuleMapError(f"points must be 0 to {MAX_RULES * MAX_POINTS}")
    if not all(0.0 < rate < 1.0 for rate in rates):
        raise RuleMapError("rates must lie between 0 and 1, both excluded")
    for (at, rate), (next_at, next_rate) in pairwise(zip(points, rates, strict=True)):
        if next_at <= at or next_rate < rate:
            raise RuleMapError(f"points must rise and rates not fall: {next_at}, {next_rate} follow {at}, {rate}")


def learned_shifts(rule_map: RuleMap) -> list[float]:
    """Log-odds to add at each sum of points from 0 to the map's last: logit(rate(points)) - logit(rate(0)), never
    negative. Between the map's points it is linear in log-odds; before the first and beyond the last the rate stays.

    Raises RuleMapError.
    """
    check_rule_map(rule_map)
    log_odds = [log(rate / (1.0 - rate)) for rate in rule_map.rates]
    shifts = [0.0] * (rule_map.points[0] + 1)
    for (at, start), (next_at, end) in pairwise(zip(rule_map.points, log_odds, strict=True)):
        slope = (end - start) / (next_at - at)
        shifts += [start + slope * step - log_odds[0] for step in range(1, next_at - at + 1)]
    return shifts


def cautious_shifts(scale: Sequence[tuple[int, int]]) -> list[float]:
    """Log-odds to add at each sum of points, by the set's own scale: ln(10) x score / 1000."""
    return [log(CAUTIOUS_ODDS) * score / MAX_SCORE for score in scores_by_points(scale)]
