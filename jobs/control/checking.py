"""Control elements checked as the job checks them, before they are published."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jobs.control.in_force import InForce
from udfs.control.elements import (
    CandidateControl,
    ControlElement,
    ListControl,
    RulesControl,
    check_texts,
    decode_control,
    encode_control,
)
from udfs.control.live_control import compile_rules
from udfs.rules.rulebook import RuleProblem, rule_problems


def check_element(
    element: ControlElement, in_force: InForce, feature_names: Callable[[], Sequence[str]]
) -> list[RuleProblem]:
    """Encode and decode the element, compile its rules with the lists in force, fit its list to the rules in force; returns
    warnings on rules. Bundles are not looked at. Raises ControlError.

    `feature_names`: those of the job's bundle, asked for where they are needed.
    """
    decoded = decode_control(encode_control(element))
    check_texts(decoded)
    if isinstance(decoded, CandidateControl) and decoded.rule_set is not None:
        return check_element(RulesControl(decoded.rule_set), in_force, feature_names)
    if isinstance(decoded, RulesControl):
        features = feature_names()
        in_force.require_lists(decoded)
        rulebook = compile_rules(decoded, features, lists=in_force.lists)
        return rule_problems(rulebook.rule_set, features, in_force.lists)
    if isinstance(decoded, ListControl):
        in_force.require_fits(decoded, feature_names())
    return []
