"""What one rule set changes of another, rule by rule."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec

from udfs.rules.rule_set import Rule, RuleSet

FIELDS = tuple(name for name in Rule.__struct_fields__ if name not in ("id", "state", "rollout", "enabled"))
STANDING = "standing"
"""State, roll-out and `enabled` together, as `Rule.standing` says."""


class FieldChange(NamedTuple):
    """A field of a rule before and after, in words; None where there is none."""

    field: str
    before: str | None
    after: str | None


class RuleChange(NamedTuple):
    """`before` None: added; `after` None: removed."""

    rule_id: str
    before: Rule | None
    after: Rule | None
    fields: list[FieldChange]

    @property
    def kind(self) -> Literal["added", "removed", "changed"]:
        return "added" if self.before is None else "removed" if self.after is None else "changed"


class Difference(NamedTuple):
    """`rules`: removed ones, changed ones, added ones, each in the order of its file. `kept`: rules as before. `whole`: of
    the rule set: name, description, scale and the order of the rules that both have."""

    before: RuleSet
    after: RuleSet
    rules: list[RuleChange]
    kept: int
    whole: list[FieldChange]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changes but the version."""
        return not self.rules and not self.whole

    def of_kind(self, kind: Literal["added", "removed", "changed"]) -> list[RuleChange]:
        return [change for change in self.rules if change.kind == kind]


def difference(before: RuleSet, after: RuleSet) -> Difference:
    """What `after` changes of `before`."""
    olds, news = ({rule.id: rule for rule in rule_set.rules} for rule_set in (before, after))
    removed = [RuleChange(name, rule, None, []) for name, rule in olds.items() if name not in news]
    changed = [
        RuleChange(name, olds[name], rule, _field_changes(olds[name], rule))
        for name, rule in news.items()
        if name in olds and rule != olds[name]
    ]
    added = [RuleChange(name, None, rule, []) for name, rule in news.items() if name not in olds]
    kept = len(news) - len(changed) - len(added)
    return Difference(before, after, [*removed, *changed, *added], kept, _whole(before, after))


def _field_changes(before: Rule, after: Rule) -> list[FieldChange]:
    standing = [FieldChange(STANDING, before.standing, after.standing)]
    fields = [FieldChange(name, _words(getattr(before, name)), _words(getattr(after, name))) for name in FIELDS]
    found = [change for change in (*standing, *fields) if change.before != change.after]
    return found or [FieldChange(STANDING, f"{before.state}, {before.rollout} %", f"{after.state}, {after.rollout} %")]


def _whole(before: RuleSet, after: RuleSet) -> list[FieldChange]:
    common = {rule.id for rule in before.rules} & {rule.id for rule in after.rules}

    def parts(one: RuleSet) -> dict[str, str | None]:
        return {
            "name": one.name,
            "description": one.description or None,
            "scale": str([list(pair) for pair in one.scale]),
            "order": ", ".join(rule.id for rule in one.rules if rule.id in common),
        }

    news = parts(after)
    return [FieldChange(name, old, news[name]) for name, old in parts(before).items() if old != news[name]]


def _words(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, msgspec.Struct):
        return ", ".join(f"{name}: {one}" for name, one in msgspec.to_builtins(value).items())
    return str(value)
