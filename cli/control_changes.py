"""What a publication of control elements changes, for the question of `fraud control publish`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from jobs.config.running_job import RunningJobConfig
from jobs.control.channel import Published
from jobs.control.in_force import elements_in_force, rule_set_in_force
from udfs.control.elements import (
    BUNDLE,
    GUARDRAIL,
    RULES,
    THRESHOLDS,
    BundleControl,
    CandidateControl,
    ControlElement,
    GuardrailControl,
    RulesControl,
    ThresholdsControl,
)
from udfs.rules.difference import difference
from udfs.rules.rule_set import Rule, RuleSet

MOST_RULES = 20
THRESHOLD_NAMES = ("refer_to_analyst", "soft_challenge", "hard_block")


def changes(
    elements: Sequence[ControlElement], config: RunningJobConfig, published: list[Published], at_ms: int
) -> list[str]:
    """Lines on the rules, thresholds and bundle that the elements replace, against those in force; the block list is not
    listed, since each of its elements names one party. Empty if nothing is replaced."""
    before = elements_in_force(config, published, at_ms)
    lines: list[str] = []
    for element in elements:
        if isinstance(element, RulesControl):
            current, tripped = rules_in_force(before, config)
            lines += _rule_changes(current, element.rule_set)
            lines += _live_again(element.rule_set, tripped)
        elif isinstance(element, CandidateControl):
            lines.append(_candidate_change(element, before.get(element.key)))
        elif isinstance(element, ThresholdsControl):
            lines += _threshold_changes(before.get(THRESHOLDS), element, config)
        elif isinstance(element, BundleControl):
            current_bundle = before.get(BUNDLE)
            old = current_bundle.bundle if isinstance(current_bundle, BundleControl) else config.scoring.bundle
            lines.append(f"bundle: {old} -> {element.bundle}")
        before[element.key] = element
    return lines


def rules_in_force(
    in_force: Mapping[str, ControlElement], config: RunningJobConfig
) -> tuple[RuleSet, dict[str, GuardrailControl]]:
    """The rule set in force as it was published or configured, and the elements of guardrails that put rules of it back to
    shadow, by rule. Raises RuleFileError."""
    current = rule_set_in_force(config, in_force.get(RULES))
    tripped = {
        element.rule: element
        for key, element in in_force.items()
        if key.startswith(f"{GUARDRAIL}/") and isinstance(element, GuardrailControl)
    }
    return current, {name: element for name, element in tripped.items() if element.version == current.version}


def _live_again(new: RuleSet, tripped: Mapping[str, GuardrailControl]) -> Iterator[str]:
    for rule in new.rules:
        if rule.is_live and rule.id in tripped:
            yield f"  ! {rule.id} is live again, though a guardrail put it back to shadow: {tripped[rule.id].in_words}"


def _candidate_change(new: CandidateControl, known: ControlElement | None) -> str:
    old = known.rule_set if isinstance(known, CandidateControl) else None

    def words(rule_set: RuleSet | None) -> str:
        return "not evaluated" if rule_set is None else f"{rule_set.name}, {len(rule_set.rules)} rules"

    return f"candidate {new.set}: {words(old)} -> {words(new.rule_set)}"


def _rule_changes(old: RuleSet, new: RuleSet) -> Iterator[str]:
    found = difference(old, new)
    removed = [f"- {change.rule_id}" for change in found.of_kind("removed")]
    added = [
        f"+ {_words(change.after)}" for change in found.rules if change.before is None and change.after is not None
    ]
    changed = [
        f"~ {_words(change.before)} -> {_words(change.after)}"
        for change in found.rules
        if change.before is not None and change.after is not None
    ]
    yield (
        f"rules: {old.name} version {old.version} ({len(old.rules)} rules) -> {new.name} version {new.version} "
        f"({len(new.rules)} rules): {len(removed)} removed, {len(added)} added, {len(changed)} changed, "
        f"{found.kept} as before"
    )
    listed = [*removed, *changed, *added]
    yield from (f"  {line}" for line in listed[:MOST_RULES])
    if len(listed) > MOST_RULES:
        yield f"  and {len(listed) - MOST_RULES} more"
    if old.scale != new.scale:
        yield f"  scale: {_scale(old)} -> {_scale(new)}"


def _words(rule: Rule) -> str:
    action = f", at least {rule.action}" if rule.action is not None else ""
    standing = "" if rule.standing == "live" else f", {rule.standing}"
    return f"{rule.id} ({rule.points} points{action}{standing}{_guardrails(rule)}): {rule.when}"


def _guardrails(rule: Rule) -> str:
    known = rule.guardrails
    if known is None:
        return ""
    limits = {"hits": known.hit_rate_max, "alerts": known.alert_rate_max, "blocks": known.block_rate_max}
    told = ", ".join(f"{name} {limit:g}" for name, limit in limits.items() if limit is not None)
    return f", guardrails: at most {told} of {known.over_payments:,} payments"


def _scale(rule_set: RuleSet) -> str:
    return str([list(pair) for pair in rule_set.scale])


def _threshold_changes(known: ControlElement | None, new: ThresholdsControl, config: RunningJobConfig) -> Iterator[str]:
    old = known if isinstance(known, ThresholdsControl) else config.scoring.thresholds
    for name in THRESHOLD_NAMES:
        value = getattr(old, name)
        yield f"threshold {name}: {'of the bundle' if value is None else value} -> {getattr(new, name)}"
