"""Rules as data: what a pack file or a control message holds, checked field by field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec

from udfs.outputs import Action
from udfs.rules.errors import RuleError, one_line
from udfs.rules.names import shown

MAX_RULES = 500
MAX_POINTS = 1000
MAX_VERSION = 2**53
MAX_SCALE_POINTS = 10_000
MAX_SCORE = 1000
MAX_ID_LENGTH = 64
_IDENTIFIER = re.compile(rf"[A-Za-z][A-Za-z0-9_]{{0,{MAX_ID_LENGTH - 1}}}")
_NO_IDENTIFIER = f"is not a letter and then letters, digits and _, at most {MAX_ID_LENGTH} in all"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One rule: where `when` is true it adds `points` and gives `reason`.

    Rules with the same `tier` exclude each other: the first in file order that is true counts. `action` is the least
    action that a hit forces. A rule that is not `enabled` is checked but never hits.
    """

    id: str
    points: int
    when: str
    reason: str
    tier: str | None = None
    action: Action | None = None
    enabled: bool = True


class RuleSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The rules in force together, and the scale from the sum of their points to a score of 0 to 1000.

    `scale` lists [points, score] pairs, the first [0, 0]; between them the score is linear, beyond the last it stays.
    """

    name: str
    version: int
    scale: tuple[tuple[int, int], ...]
    rules: tuple[Rule, ...]
    description: str = ""


class _Draft(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule set whose rules are not yet looked at, so that an error in one can name it."""

    name: str
    version: int
    scale: tuple[tuple[int, int], ...]
    rules: tuple[Any, ...]
    description: str = ""


def decode_rule_set(payload: bytes) -> RuleSet:
    """A rule set from JSON, as the control stream carries it. Raises RuleError, whatever the bytes."""
    try:
        value = msgspec.json.decode(payload)
    except (ValueError, RecursionError) as error:
        raise RuleError(f"not JSON: {one_line(error)}") from None
    return rule_set_from(value)


def rule_set_from(value: object) -> RuleSet:
    """A rule set from plain dicts and lists. Raises RuleError with the rule's id where it can."""
    draft = _convert(value, _Draft)
    rules = []
    for number, item in enumerate(draft.rules, start=1):
        name = item.get("id") if isinstance(item, dict) else None
        rule_id = name if isinstance(name, str) and name else f"number {number}"
        try:
            rules.append(_convert(item, Rule))
        except RuleError as error:
            raise error.of_rule(one_line(rule_id)[:MAX_ID_LENGTH]) from None
    rule_set = RuleSet(draft.name, draft.version, draft.scale, tuple(rules), draft.description)
    check_rule_set(rule_set)
    return rule_set


def check_rule_set(rule_set: RuleSet) -> None:
    """Raise RuleError where ids, points, the version or the scale are not usable. Conditions are not looked at."""
    if not 1 <= rule_set.version <= MAX_VERSION:
        raise RuleError(f"version must be 1 to {MAX_VERSION}")
    _check_scale(rule_set.scale)
    if len(rule_set.rules) > MAX_RULES:
        raise RuleError(f"{len(rule_set.rules)} rules, at most {MAX_RULES} are allowed")
    seen = set()
    for rule in rule_set.rules:
        if not _IDENTIFIER.fullmatch(rule.id):
            raise RuleError(f"id {shown(rule.id)} {_NO_IDENTIFIER}")
        if rule.id in seen:
            raise RuleError("the id is used twice", rule_id=rule.id)
        seen.add(rule.id)
        if not 0 <= rule.points <= MAX_POINTS:
            raise RuleError(f"points must be 0 to {MAX_POINTS}", rule_id=rule.id)
        if rule.tier is not None and not _IDENTIFIER.fullmatch(rule.tier):
            raise RuleError(f"tier {shown(rule.tier)} {_NO_IDENTIFIER}", rule_id=rule.id)


def _check_scale(scale: Sequence[tuple[int, int]]) -> None:
    if len(scale) < 2 or scale[0] != (0, 0):
        raise RuleError("scale needs at least two [points, score] pairs, the first [0, 0]")
    if any(not (0 <= points <= MAX_SCALE_POINTS and 0 <= score <= MAX_SCORE) for points, score in scale):
        raise RuleError(f"scale goes beyond [{MAX_SCALE_POINTS}, {MAX_SCORE}] or below [0, 0]")
    for (points, score), (next_points, next_score) in pairwise(scale):
        if next_points <= points or next_score < score:
            raise RuleError(f"scale must rise: [{next_points}, {next_score}] follows [{points}, {score}]")


def _convert(value: object, kind: type[Any]) -> Any:
    try:
        return msgspec.convert(value, kind)
    except (ValueError, RecursionError) as error:
        raise RuleError(
            one_line(error).replace("`", "'").replace(" - at '$.", " at '").removesuffix(" - at '$'")
        ) from None
