"""A rule set made ready to evaluate: the rules of one moment, compiled into one function."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import msgspec

from udfs.events import Transaction
from udfs.features.values import FeatureValues
from udfs.rules.compiler import compile_rows
from udfs.rules.errors import RuleError
from udfs.rules.expressions import Expression
from udfs.rules.language import parse_condition
from udfs.rules.names import Vocabulary
from udfs.rules.reasons import ReasonTemplate
from udfs.rules.rule_set import Rule, RuleSet, check_rule_set


class RuleResult(msgspec.Struct, gc=False):
    """What the rules say about one transaction: the hits in file order, their points, and the score of 0 to 1000."""

    points: int
    score: int
    hits: list[Rule]


class Rulebook:
    """The rules in force. Immutable: a change makes a new one, so that a faulty change leaves this one in force."""

    def __init__(self, rule_set: RuleSet, feature_names: frozenset[str]) -> None:
        check_rule_set(rule_set)
        self.rule_set = rule_set
        self.version = rule_set.version
        vocabulary = Vocabulary(feature_names)
        rows = [(check_rule(rule, vocabulary), rule.tier, rule) for rule in rule_set.rules]
        self._reasons = {rule.id: ReasonTemplate(rule.reason, vocabulary) for rule in rule_set.rules}
        self._matching = compile_rows([row for row in rows if row[2].enabled])
        self._scores = scores_by_points(rule_set.scale)

    @classmethod
    def of(cls, rule_set: RuleSet, feature_names: frozenset[str]) -> Rulebook:
        """Check and compile a rule set. Raises RuleError, naming the rule."""
        return cls(rule_set, feature_names)

    def evaluate(self, features: FeatureValues, event: Transaction, population: dict[str, float]) -> RuleResult:
        """The hits for one transaction. `features` holds every feature name, `population` every population name.

        Never raises for the values in them: NaN and None are unknown, and a rule hits only where it is true.
        """
        hits = self._matching(features, event, population)
        if not hits:
            return RuleResult(0, 0, hits)
        points = 0
        for rule in hits:
            points += rule.points
        scores = self._scores
        return RuleResult(points, scores[points] if points < len(scores) else scores[-1], hits)

    def reasons(
        self, result: RuleResult, features: FeatureValues, event: Transaction, population: dict[str, float]
    ) -> list[str]:
        """The words of each hit, in the order of `result.hits`. For alerts only: a microsecond or two a hit."""
        return [self._reasons[rule.id].words(features, event, population) for rule in result.hits]


def check_rule(rule: Rule, vocabulary: Vocabulary) -> Expression:
    """The rule's condition as a tree. Raises RuleError with the rule's id where its condition or reason is faulty."""
    try:
        ReasonTemplate(rule.reason, vocabulary)
        return parse_condition(rule.when, vocabulary)
    except RuleError as error:
        raise error.of_rule(rule.id) from None


def scores_by_points(scale: Iterable[tuple[int, int]]) -> list[int]:
    """The score of each sum of points from 0 to the scale's last, linear between its pairs, rounded half up."""
    scores = [0]
    for (points, score), (next_points, next_score) in pairwise(scale):
        width = next_points - points
        scores += [score + (2 * (next_score - score) * step + width) // (2 * width) for step in range(1, width + 1)]
    return scores
