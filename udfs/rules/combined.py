"""Several rule sets as one: the bank's pack with those of accounts and of compliance, say."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from udfs.rules.rule_set import MAX_RULES, RuleSet

SEPARATOR = ","


class CombinationError(ValueError):
    """The rule sets cannot be used together; the message says which rules and what to change."""


def parts_of(rules: str) -> list[str]:
    """The packs and paths of a text with commas between them. A file with a comma in its name stands alone."""
    if SEPARATOR not in rules or Path(rules).is_file():
        return [rules]
    return [part.strip() for part in rules.split(SEPARATOR) if part.strip()]


def combined(rule_sets: Sequence[RuleSet]) -> RuleSet:
    """One rule set of all rules, in the order of the sets.

    Name: the names with + between. Version: the sum of the versions, so that a new version of any is a new version of all.
    Scale: that of the sets whose rules have points, which must be the same; points add up over all sets. Raises
    CombinationError for no set, for an id or a tier that two sets have, and for different scales.
    """
    if not rule_sets:
        raise CombinationError("no rule set is named")
    if len(rule_sets) == 1:
        return rule_sets[0]
    for one, other in combinations(rule_sets, 2):
        _require_apart(one, other)
    with_points = [rule_set for rule_set in rule_sets if any(rule.points for rule in rule_set.rules)]
    for one, other in combinations(with_points, 2):
        if one.scale != other.scale:
            raise CombinationError(
                f"{one.name} and {other.name} have different scales for the sum of their points: give both the same"
            )
    rules = tuple(rule for rule_set in rule_sets for rule in rule_set.rules)
    if len(rules) > MAX_RULES:
        raise CombinationError(f"{len(rules)} rules together, at most {MAX_RULES} are allowed")
    return RuleSet(
        name="+".join(rule_set.name for rule_set in rule_sets),
        version=sum(rule_set.version for rule_set in rule_sets),
        scale=(with_points or rule_sets)[0].scale,
        rules=rules,
        description=", ".join(f"{rule_set.name} {rule_set.version}" for rule_set in rule_sets),
    )


def _require_apart(one: RuleSet, other: RuleSet) -> None:
    if one.name == other.name:
        raise CombinationError(f"two rule sets have the name {one.name}")
    ids = {rule.id for rule in one.rules} & {rule.id for rule in other.rules}
    if ids:
        raise CombinationError(f"{one.name} and {other.name} both have a rule {min(ids)}: rename or remove one of them")
    tiers = {rule.tier for rule in one.rules if rule.tier} & {rule.tier for rule in other.rules if rule.tier}
    if tiers:
        raise CombinationError(f"{one.name} and {other.name} both have a tier {min(tiers)}: rename one of them")
