"""How long decisions wait while a large rule set is put in force; the core checks and compiles it."""

from __future__ import annotations

import time

import pytest

from udfs.control.elements import RulesControl
from udfs.control.live_control import compile_rules
from udfs.features.feature_set import feature_set_of
from udfs.rules.rule_set import MAX_RULES, Rule, RuleSet

PLAIN = " and ".join(f"amount > {number}" for number in range(55))
ALTERNATIVES = " and ".join(f"(amount > {number} or amount < {number - 9})" for number in range(8))
SECONDS = 1  # measured: 0.1


@pytest.mark.parametrize("condition", [PLAIN, ALTERNATIVES], ids=["plain", "alternatives"])
def test_the_most_rules_of_long_conditions_are_ready_in_a_bounded_time(condition: str) -> None:
    rules = tuple(Rule(f"rule{number}", 5, condition, "amount") for number in range(MAX_RULES))
    element = RulesControl(RuleSet("long", 5, ((0, 0), (100, 900)), rules))
    start = time.perf_counter()
    rulebook = compile_rules(element, feature_set_of().names)
    assert time.perf_counter() - start < SECONDS
    assert len(rulebook.rule_set.rules) == MAX_RULES
    assert rulebook.names_read("rule499") == ("amount",)
