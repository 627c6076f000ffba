"""Rule sets made ready to evaluate transactions, and what is wrong about them. The core (udfs/core/src/rules) does both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

from udfs.core import _native
from udfs.records.events import Transaction
from udfs.rules.errors import RuleError, require_no_errors
from udfs.rules.named_lists import NO_LISTS, Lists, compiled
from udfs.rules.rule_set import Rule, RuleSet


class RuleProblem(NamedTuple):
    """An error forbids to use the rule set; a warning is of what may be intended, e.g. a condition that is always true."""

    severity: Literal["error", "warning"]
    error: RuleError


class RuleResult(msgspec.Struct):
    """Result of the rules for one transaction: the hits in file order, their points, and the score of 0 to 1000."""

    points: int
    score: int
    hits: list[Rule]


class Rulebook:
    """A compiled rule set. Immutable: an update makes a new instance, an invalid one leaves the old in force.

    `core` is what the scorer evaluates.
    """

    def __init__(self, rule_set: RuleSet, feature_names: Sequence[str], lists: Lists = NO_LISTS) -> None:
        """Compile a rule set that was checked when it was published. Raises RuleError.

        `feature_names` are in input order. `lists`: those that conditions may refer to, by name.
        """
        self.rule_set = rule_set
        self.version = rule_set.version
        self.lists = lists
        self._feature_names = tuple(feature_names)
        self.core = _native.Rulebook(rule_set, list(feature_names), compiled(lists))
        self._places = {rule.id: place for place, rule in enumerate(rule_set.rules)}

    @classmethod
    def of(cls, rule_set: RuleSet, feature_names: Sequence[str], lists: Lists = NO_LISTS) -> Rulebook:
        """Check and compile a rule set. Raises RuleError with the id of the invalid rule, RuleErrors for several."""
        problems = rule_problems(rule_set, feature_names, lists)
        require_no_errors([problem.error for problem in problems if problem.severity == "error"])
        return cls(rule_set, feature_names, lists)

    def with_lists(self, lists: Lists) -> Rulebook:
        """The same rules with other lists. Raises RuleError where a rule refers to one that is missing or does not suit."""
        return Rulebook(self.rule_set, self._feature_names, lists)

    @property
    def list_versions(self) -> dict[str, int]:
        """The versions of the lists that enabled rules refer to, as decisions name them."""
        return dict(self.core.lists)

    def evaluate(
        self, features: Sequence[float], event: Transaction | None, population: Mapping[str, float]
    ) -> RuleResult:
        """Evaluate all rules over features in input order.

        Does not raise for any values: NaN, None and what is missing is unknown, and a rule hits only if its condition is
        true.
        """
        points, score, hits = self.core.evaluate(list(features), event, dict(population))
        return RuleResult(points, score, [self.rule_set.rules[place] for place in hits])

    def reasons(
        self, result: RuleResult, features: Sequence[float], event: Transaction | None, population: Mapping[str, float]
    ) -> list[str]:
        """The reason text of each hit, in the order of `result.hits`."""
        hits = [self._places[rule.id] for rule in result.hits]
        return self.core.reasons(hits, list(features), event, dict(population))

    def names_read(self, rule_id: str) -> tuple[str, ...]:
        """The names that a rule's condition reads, in order of first use. Raises KeyError.

        A remainder of the amount (`amount % 100`) counts as the feature `amount_is_round_hundred`.
        """
        return tuple(self.core.names_read(self._places[rule_id]))


def rule_problems(rule_set: RuleSet, feature_names: Sequence[str], lists: Lists = NO_LISTS) -> list[RuleProblem]:
    """All that is wrong, or odd, about a rule set, those of the whole set first, then in the order of the rules."""
    problems = _native.rule_problems(rule_set, list(feature_names), compiled(lists))
    return [RuleProblem(*problem) for problem in problems]


def missing_lists(rule_set: RuleSet, lists: Lists) -> list[RuleError]:
    """An error for each list that a rule, enabled or not, refers to and that is not there."""
    return [
        RuleError(f"unknown list '@{name}'", hint="give or publish the list first", rule_id=rule.id)
        for rule in rule_set.rules
        for name in _native.lists_read(rule.when)
        if name not in lists
    ]


def rules_with_list(rule_set: RuleSet, name: str) -> list[str]:
    """The ids of the rules, enabled or not, that refer to the list of this name."""
    return [rule.id for rule in rule_set.rules if name in _native.lists_read(rule.when)]
