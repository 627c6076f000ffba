"""What a rule's condition is about: the names that it reads."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from udfs.rules.language import parse_condition
from udfs.rules.names import KEYWORDS, Vocabulary
from udfs.rules.rule_set import RuleSet
from udfs.rules.tokens import tokens_of

ROUNDNESS = "amount_is_round_hundred"


def names_of_rules(rule_set: RuleSet, feature_names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Rule id -> the names that its condition reads, in the order of their first use. Raises RuleError.

    A remainder of the amount (`amount % 100`) is about how round it is, and counts as the feature for that.
    """
    vocabulary = Vocabulary(feature_names)
    names: dict[str, tuple[str, ...]] = {}
    for rule in rule_set.rules:
        parse_condition(rule.when, vocabulary)
        tokens = tokens_of(rule.when)
        read = []
        for token, following in pairwise(tokens):
            if token.kind == "name" and token.value not in KEYWORDS:
                is_remainder = token.value == "amount" and following.value == "%"
                read.append(ROUNDNESS if is_remainder else token.value)
        names[rule.id] = tuple(dict.fromkeys(read))
    return names
