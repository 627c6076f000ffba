"""How long decisions wait while a large rule set is put in force; the core checks and compiles it."""

from __future__ import annotations

import time

from udfs.control.elements import RulesControl
from udfs.control.live_control import compile_rules
from udfs.features.feature_set import feature_set_of
from udfs.rules.rule_set import MAX_RULES, Rule, RuleSet

CONDITION = " and ".join(f"amount > {number}" for number in range(55))
SECONDS = 5  # measured: 0.3


def test_the_most_rules_of_long_plain_conditions_are_ready_in_a_bounded_time() -> None:
    rules = tuple(Rule(f"rule{number}", 5, CONDITION, "amount") for number in range(MAX_RULES))
    element = RulesControl(RuleSet("long", 5, ((0, 0), (100, 900)), rules))
    start = time.perf_counter()
    rulebook = compile_rules(element, feature_set_of().names)
    assert time.perf_counter() - start < SECONDS
    assert len(rulebook.rule_set.rules) == MAX_RULES
    assert rulebook.names_read("rule499") == ("amount",)
