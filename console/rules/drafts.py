"""A rule set that somebody is writing: checked, with the version that it would be published as, and compared."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from console.decides_with import DecidesWith
from udfs.rules.checked_file import CheckedFile, check_rule_file
from udfs.rules.difference import Difference, difference
from udfs.rules.pack_files import MAX_FILE_BYTES
from udfs.rules.rule_file_text import rule_file_text
from udfs.rules.rule_set import RuleSet, RuleState

EXAMPLE = """\
name: my_rules
version: 1
scale: [[0, 0], [75, 200], [150, 510], [300, 1000]]
rules:
  - id: new_device_far_away
    points: 25
    when: is_new_device and km_from_home > 500
    reason: "new device {device_id}, {km_from_home:,.0f} km from home"
"""


class Draft(NamedTuple):
    """`rule_set`: None if the text has errors; otherwise with a version above that in force."""

    checked: CheckedFile
    rule_set: RuleSet | None


def draft_of(text: str, known: DecidesWith) -> Draft:
    """Check a text as `fraud rules check` does. Line ends of forms are those of files."""
    content = text.replace("\r\n", "\n").encode("utf-8", "replace")[: MAX_FILE_BYTES + 1]
    checked = check_rule_file(content, known.feature_names(), known.lists)
    return Draft(checked, numbered(checked.rule_set, known) if checked.is_valid else None)


def numbered(rule_set: RuleSet | None, known: DecidesWith) -> RuleSet | None:
    """The rule set, with the next version if its own is not above that in force."""
    if rule_set is None:
        return None
    least = max(known.next_version, 0 if known.rules is None else known.rules.version + 1)
    return msgspec.structs.replace(rule_set, version=max(rule_set.version, least))


def text_to_begin_with(known: DecidesWith) -> str:
    """The rules in force as the next version, with those in shadow that guardrails put back; an example without any."""
    in_force = numbered(known.rules, known)
    return EXAMPLE if in_force is None else rule_file_text(in_force)


def changes_of(rule_set: RuleSet, known: DecidesWith, is_published: bool = False) -> Difference | None:
    """Against what is in force, or for what was published, against what was in force before it; None where that is not
    known."""
    before = known.rule_set_before(rule_set.version) if is_published else known.rules
    return None if before is None else difference(before, rule_set)


def with_standing(known: DecidesWith, rule_id: str, state: RuleState, rollout: int) -> RuleSet | None:
    """The rules in force, as the next version, with one rule in another state or for another share of the customers. What a
    guardrail has put back to shadow stays there, unless it is this rule. None if nothing would change."""
    in_force = known.rules
    before = None if in_force is None else next((rule for rule in in_force.rules if rule.id == rule_id), None)
    if in_force is None or before is None:
        return None
    after = msgspec.structs.replace(before, state=state, rollout=rollout, enabled=True)
    if after == before:
        return None
    rules = tuple(after if rule.id == rule_id else rule for rule in in_force.rules)
    return numbered(msgspec.structs.replace(in_force, rules=rules), known)
