"""What the control elements in force make of what a job has started with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from udfs.control.elements import (
    CandidateControl,
    ControlElement,
    ControlError,
    GuardrailControl,
    ListControl,
    ThresholdsControl,
)
from udfs.control.guardrails import with_guardrails
from udfs.control.live_lists import lists_after
from udfs.rules.named_lists import Lists
from udfs.rules.rule_set import RuleSet
from udfs.scoring.decision_settings import DecisionSettings

Elements = Mapping[str, ControlElement]
"""By key."""


def lists_with(start: Lists, elements: Elements) -> Lists:
    """The lists, without those of the stream for which there is no room: a job refuses them."""
    lists = start
    for element in elements.values():
        if isinstance(element, ListControl):
            try:
                lists = lists_after(lists, element)
            except ControlError:
                continue
    return lists


def settings_with(start: DecisionSettings, element: ControlElement | None) -> DecisionSettings:
    """The settings with the thresholds of an element, if there is one."""
    if not isinstance(element, ThresholdsControl):
        return start
    return msgspec.structs.replace(
        start, refer_above=element.refer_to_analyst, soft_challenge_above=element.soft_challenge,
        hard_block_above=element.hard_block,
    )  # fmt: skip


def candidates_of(elements: Elements) -> dict[str, RuleSet]:
    """The rule sets in shadow beside the one in force, by the name that decisions have."""
    candidates = (one for one in elements.values() if isinstance(one, CandidateControl))
    return {one.set: one.rule_set for one in candidates if one.rule_set is not None}


def guarded(rule_set: RuleSet, elements: Iterable[ControlElement]) -> tuple[RuleSet, dict[str, str]]:
    """The rule set with the rules in shadow that a guardrail has put back; those rules with what was crossed, in words."""
    told = {one.rule: one for one in elements if isinstance(one, GuardrailControl)}
    after = with_guardrails(rule_set, told)
    pairs = zip(rule_set.rules, after.rules, strict=True)
    return after, {old.id: told[old.id].in_words for old, new in pairs if old != new}
