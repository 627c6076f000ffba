"""Guardrails of live rules: counts of their payments, and the element that puts a rule back to shadow.

Each instance of the scorer counts its users' payments; all counts of a rule meet at one watch, so that the rates are those
of all users, whatever the parallelism.
"""

from __future__ import annotations

from typing import Final

import msgspec

from udfs.control.elements import GuardrailControl, GuardrailMeasure
from udfs.rules.rule_set import Guardrails, RuleSet

AUTHOR: Final = "guardrail"


class GuardedCounts(msgspec.Struct, frozen=True, gc=False):
    """Payments of some users for whom a rule is live: all, those that hit it, and of these those with an action other than
    allow, and those blocked. `version`: of the rule set."""

    rule: str
    version: int
    guardrails: Guardrails
    payments: int
    hits: int
    alerts: int
    blocks: int


class Watch(msgspec.Struct, array_like=True, gc=False):
    """What is known of one rule: counts since the last `over_payments` payments were complete."""

    version: int
    guardrails: Guardrails
    payments: int = 0
    hits: int = 0
    alerts: int = 0
    blocks: int = 0
    is_tripped: bool = False

    def take(self, counts: GuardedCounts) -> GuardrailControl | None:
        """Count payments; returns the element if a limit is crossed. Counts of an earlier version are ignored, and a later
        one, or other guardrails, start anew.

        A limit is crossed as soon as there are more than `rate x over_payments` of them, whatever the rest of the payments
        will be. Independent of the order of counts within `over_payments` payments.
        """
        if counts.version < self.version:
            return None
        if (counts.version, counts.guardrails) != (self.version, self.guardrails):
            self.version, self.guardrails = counts.version, counts.guardrails
            self.payments = self.hits = self.alerts = self.blocks = 0
            self.is_tripped = False
        if self.is_tripped:
            return None
        self.payments += counts.payments
        self.hits += counts.hits
        self.alerts += counts.alerts
        self.blocks += counts.blocks
        crossed = self._crossed(counts.rule)
        if crossed is not None:
            self.is_tripped = True
        elif self.payments >= self.guardrails.over_payments:
            self.payments = self.hits = self.alerts = self.blocks = 0
        return crossed

    def _crossed(self, rule: str) -> GuardrailControl | None:
        limits = self.guardrails
        over = max(self.payments, limits.over_payments)
        measures: tuple[tuple[GuardrailMeasure, float | None, int], ...] = (
            ("block_rate", limits.block_rate_max, self.blocks),
            ("alert_rate", limits.alert_rate_max, self.alerts),
            ("hit_rate", limits.hit_rate_max, self.hits),
        )
        for measure, limit, count in measures:
            if limit is not None and count > limit * over:
                return GuardrailControl(
                    version=self.version, rule=rule, measure=measure, limit=limit, count=count,
                    payments=self.payments, over_payments=limits.over_payments, author=AUTHOR,
                )  # fmt: skip
        return None


def counts_of(rule_set: RuleSet, guarded: dict[str, tuple[int, int, int, int]]) -> list[GuardedCounts]:
    """A batch's counts by rule (ScoredFrame.guarded), with the guardrails of the rules."""
    limits = {rule.id: rule.guardrails for rule in rule_set.rules}
    return [
        GuardedCounts(rule_id, rule_set.version, guardrails, *counts)
        for rule_id, counts in guarded.items()
        if (guardrails := limits.get(rule_id)) is not None
    ]


def with_guardrails(rule_set: RuleSet, tripped: dict[str, GuardrailControl]) -> RuleSet:
    """The rule set with the rules in shadow that a guardrail put back: by elements of exactly its version, by rule id, of
    rules that have guardrails."""
    rules = tuple(
        msgspec.structs.replace(rule, state="shadow", rollout=100)
        if rule.is_live
        and rule.guardrails is not None
        and rule.id in tripped
        and tripped[rule.id].version == rule_set.version
        else rule
        for rule in rule_set.rules
    )
    return msgspec.structs.replace(rule_set, rules=rules)
