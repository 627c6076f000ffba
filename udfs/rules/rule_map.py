"""Converts a rule set's sum of points to a shift of the log-odds of fraud.

A rule map is learned from history: a non-decreasing fraud rate for each sum of points. It belongs to one content of a rule
set. For a rule set without a map the shift follows the set's own scale, bounded so that the highest score multiplies the
odds of fraud by ten. The core computes the shifts (udfs/core/src/decision/rule_map.rs).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from hashlib import sha256

import msgspec

from udfs.core import _native
from udfs.rules.rule_set import RuleSet

_CONTENT_LENGTH = 16
_SEPARATOR = "\x1f"  # occurs in no id, tier, action or condition


class RuleMapError(ValueError):
    """The rule map cannot be used; the message gives the cause."""


class RuleMap(msgspec.Struct, frozen=True):
    """Observed fraud rates by sum of points: `points` increase, `rates` in (0, 1) do not decrease.

    `rule_set` and `version` name the set the map was learned with, `content` is its hash (`content_of`), by which maps are
    looked up. It was learned from `rows` transactions, `frauds` of them frauds.
    """

    rule_set: str
    version: int
    content: str
    points: tuple[int, ...]
    rates: tuple[float, ...]
    rows: int
    frauds: int


def content_of(rule_set: RuleSet, rule_ids: Collection[str] | None = None) -> str:
    """Hash of a rule set's content: 16 hex digits of a SHA-256 over id, points, condition, tier and action of its live
    rules, whatever their roll-out, or of those of `rule_ids`.

    Name, version, scale, reasons, rules that are not live and whitespace in conditions do not change it, nor do rules that
    only raise flags, unless they share a tier with one that adds points.
    """
    counting = [rule for rule in rule_set.rules if (rule.is_live if rule_ids is None else rule.id in rule_ids)]
    ruled_out = {rule.tier for rule in counting if not rule.only_flags} - {None}
    lines = [
        _SEPARATOR.join((rule.id, str(rule.points), " ".join(rule.when.split()), rule.tier or "", rule.action or ""))
        for rule in counting
        if not rule.only_flags or rule.tier in ruled_out
    ]
    return sha256("\n".join(lines).encode()).hexdigest()[:_CONTENT_LENGTH]


def find_rule_map(
    maps: Iterable[RuleMap], rule_set: RuleSet, rule_ids: Collection[str] | None = None
) -> RuleMap | None:
    """The last of the maps that was learned with rules of the same content (`content_of`); None without one."""
    content = content_of(rule_set, rule_ids)
    found = None
    for known in maps:
        if known.content == content:
            found = known
    return found


def check_rule_map(rule_map: RuleMap) -> None:
    """Raise RuleMapError unless points increase and rates lie between 0 and 1 and do not decrease."""
    learned_shifts(rule_map)


def learned_shifts(rule_map: RuleMap) -> list[float]:
    """Log-odds to add for each sum of points from 0 to the map's last: logit(rate(points)) - logit(rate(0)) >= 0.

    Rates are interpolated linearly in log-odds and constant before the first and after the last point. Raises
    RuleMapError.
    """
    return _native.learned_shifts(list(rule_map.points), list(rule_map.rates))


def default_shifts(scale: Sequence[tuple[int, int]]) -> list[float]:
    """Log-odds to add for each sum of points of a rule set without a map: ln(10) x score / 1000, by the set's scale."""
    return _native.cautious_shifts(list(scale))
