"""The result of a backtest: figures of the rule set and of each rule, as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from models.backtest.labels import DAY_MS, FRAUD, LEGITIMATE
from models.backtest.tally import COHORT_DAYS, Example, RuleTally, SetTally, Tally
from models.backtest.wilson import Share, share
from udfs.records.outputs import ACTIONS, Action
from udfs.rules.rule_set import Rule, RuleSet

OVERLAPS = 5
OUTCOME_WORDS = {FRAUD: "fraud", LEGITIMATE: "legitimate"}
Change = str
"""What became of a rule compared with the rules before: "new", "changed" or "same"; without rules before "known" where
decisions recorded hits of its id, or "not seen"."""


class Cohort(msgspec.Struct, frozen=True):
    """As known `days` after each payment, of the payments that are so old at the horizon."""

    days: int
    hits: int
    precision: Share


class Month(msgspec.Struct, frozen=True):
    """One month (UTC) of event time. `immature`: days after which not all of its payments have been looked at yet."""

    month: str
    hits: int
    precision: Share
    cohorts: list[Cohort]
    immature: list[int]


class ExamplePayment(msgspec.Struct, frozen=True):
    """A payment that a rule hits, with what was decided and what would be."""

    decision_id: str
    transaction_id: str
    user_id: str
    event_time_ms: int
    amount: float
    outcome: str
    action_before: Action
    action_after: Action
    score_before: int
    score_after: int


class Overlap(msgspec.Struct, frozen=True):
    """Hits that another rule has as well; `share` of this rule's hits."""

    rule_id: str
    hits: int
    share: float


class RuleFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One rule. Payments are counted, amounts in major units.

    `precision`: frauds among hits with a known outcome. `caught`: frauds among all that are known. `unique_frauds`: hit by
    no other rule, and allowed by the model alone. `alerts`: hits whose action would not be allow. `actions`: of the hits, by
    action before and after.
    """

    id: str
    change: Change
    points: int
    tier: str | None
    action: Action | None
    enabled: bool
    hits: int
    hits_before: int
    trigger_rate: float | None
    alerts: int
    alerts_a_day: float | None
    frauds: int
    legitimate: int
    precision: Share
    caught: Share
    unique_frauds: int
    unique_hits: int
    amount_caught: float
    amount_wrong: float
    actions: dict[str, dict[str, int]]
    overlaps: list[Overlap]
    cohorts: list[Cohort]
    months: list[Month]
    best_true: list[ExamplePayment]
    worst_false: list[ExamplePayment]


class SetMonth(msgspec.Struct, frozen=True):
    """Alerts of one month. `precision`: frauds among alerts with a known outcome; `caught`: alerts among known frauds."""

    month: str
    decisions: int
    alerts: int
    precision: Share
    caught: Share
    cohorts: list[Cohort]
    immature: list[int]


class SetFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions by one set of rules. An alert is any action but allow; stopped is challenged or blocked.

    `amount_wrong`: of legitimate payments with an alert; `amount_wrongly_stopped`: of those that are stopped.
    """

    actions: dict[str, int]
    alerts: int
    alerts_a_day: float | None
    frauds_caught: int
    precision: Share
    caught: Share
    amount_caught: float
    amount_wrong: float
    amount_wrongly_stopped: float
    cohorts: list[Cohort]
    months: list[SetMonth]


class RulesFacts(msgspec.Struct, frozen=True):
    """Which rules: name, version, and the hash of what they do (udfs.rules.rule_map.content_of)."""

    name: str
    version: int
    content: str
    rules: int
    rule_map: str


class DataFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Which decisions. `frauds`, `legitimate`: outcomes that are known at the horizon."""

    decisions: int
    first_ms: int | None
    last_ms: int | None
    days: int
    frauds: int
    legitimate: int
    fraud_amount: float
    bundles: dict[str, int]
    currencies: list[str]
    hash: str


class BacktestReport(msgspec.Struct, frozen=True, kw_only=True):
    """A backtest. `id`: hash of rules, data, labels' horizon and what decides; the same input gives the same bytes.

    `transitions`: payments by action before and after, with their outcome. `notes`: what limits the figures.
    """

    id: str
    rules: RulesFacts
    against: RulesFacts | None
    data: DataFacts
    horizon_ms: int
    bundle: str
    thresholds: dict[str, int]
    replayed: list[str]
    notes: list[str]
    before: SetFigures
    after: SetFigures
    model_alone: SetFigures
    transitions: dict[str, dict[str, dict[str, int]]]
    rule_figures: list[RuleFigures]
    removed: list[str]


def rule_figures(
    tally: Tally, rule_set: RuleSet, changes: dict[str, Change], hits_before: dict[str, int], horizon_ms: int
) -> list[RuleFigures]:
    """Of each rule, in the order of the file."""
    frauds = _frauds(tally.after)
    return [
        _rule(tally, place, rule, found, changes[rule.id], hits_before.get(rule.id, 0), frauds, horizon_ms, rule_set.rules)
        for place, (rule, found) in enumerate(zip(rule_set.rules, tally.rules, strict=True))
    ]  # fmt: skip


def _rule(
    tally: Tally, place: int, rule: Rule, found: RuleTally, change: Change, hits_before: int, frauds: int, horizon_ms: int,
    rules: Sequence[Rule],
) -> RuleFigures:  # fmt: skip
    by_outcome = sum((counts for counts in found.months.values()), np.zeros((1 + len(COHORT_DAYS), 3), np.int64))
    hits = int(by_outcome[0].sum())
    alerts = int(found.actions[:, 1:].sum())
    shared = [
        Overlap(rules[other].id, int(both), both / hits)
        for other, both in enumerate(tally.overlap[place].tolist())
        if other != place and both
    ]
    return RuleFigures(
        id=rule.id,
        change=change,
        points=rule.points,
        tier=rule.tier,
        action=rule.action,
        enabled=rule.enabled,
        hits=hits,
        hits_before=hits_before,
        trigger_rate=hits / tally.decisions if tally.decisions else None,
        alerts=alerts,
        alerts_a_day=alerts / days_of(tally) if tally.decisions else None,
        frauds=int(by_outcome[0, FRAUD]),
        legitimate=int(by_outcome[0, LEGITIMATE]),
        precision=_precision(by_outcome[0]),
        caught=share(int(by_outcome[0, FRAUD]), frauds),
        unique_frauds=int(found.unique[FRAUD]),
        unique_hits=int(found.unique.sum()),
        amount_caught=found.milli[FRAUD].item() / 1000,
        amount_wrong=found.milli[LEGITIMATE].item() / 1000,
        actions=_by_actions(found.actions),
        overlaps=sorted(shared, key=lambda item: (-item.hits, item.rule_id))[:OVERLAPS],
        cohorts=_cohorts(by_outcome),
        months=[_month(month, found.months[month], horizon_ms) for month in sorted(found.months)],
        best_true=[_example(example) for example in found.true_examples],
        worst_false=[_example(example) for example in found.false_examples],
    )


def set_figures(tally: Tally, found: SetTally, horizon_ms: int) -> SetFigures:
    """Of decisions by one set."""
    whole = sum(
        (counts for counts in found.months.values()), np.zeros((1 + len(COHORT_DAYS), len(ACTIONS), 3), np.int64)
    )
    alerts = whole[0, 1:].sum(axis=0)
    return SetFigures(
        actions={name: int(count) for name, count in zip(ACTIONS, whole[0].sum(axis=1), strict=True)},
        alerts=int(alerts.sum()),
        alerts_a_day=int(alerts.sum()) / days_of(tally) if tally.decisions else None,
        frauds_caught=int(alerts[FRAUD]),
        precision=_precision(alerts),
        caught=share(int(alerts[FRAUD]), int(whole[0, :, FRAUD].sum())),
        amount_caught=found.milli[1:, FRAUD].sum().item() / 1000,
        amount_wrong=found.milli[1:, LEGITIMATE].sum().item() / 1000,
        amount_wrongly_stopped=found.milli[2:, LEGITIMATE].sum().item() / 1000,
        cohorts=_cohorts(whole[:, 1:].sum(axis=1)),
        months=[_set_month(month, found.months[month], horizon_ms) for month in sorted(found.months)],
    )


def transitions_of(tally: Tally) -> dict[str, dict[str, dict[str, int]]]:
    """By action before and after the payments by outcome; only what occurs."""
    words = {**OUTCOME_WORDS, 0: "unknown"}
    return {
        before: {
            after: {words[kind]: int(count) for kind, count in enumerate(tally.transitions[one, other]) if count}
            for other, after in enumerate(ACTIONS)
            if tally.transitions[one, other].any()
        }
        for one, before in enumerate(ACTIONS)
        if tally.transitions[one].any()
    }


def days_of(tally: Tally) -> int:
    """Days (UTC) from the first to the last decision, both counted; 1 without any."""
    return tally.last_ms // DAY_MS - tally.first_ms // DAY_MS + 1 if tally.decisions else 1


def _frauds(found: SetTally) -> int:
    return int(sum(counts[0, :, FRAUD].sum() for counts in found.months.values()))


def _precision(by_outcome: Any) -> Share:
    frauds = int(by_outcome[FRAUD])
    return share(frauds, frauds + int(by_outcome[LEGITIMATE]))


def _cohorts(by_knowledge: Any) -> list[Cohort]:
    return [
        Cohort(days, int(counts.sum()), _precision(counts))
        for days, counts in zip(COHORT_DAYS, by_knowledge[1:], strict=True)
    ]


def _by_actions(counts: Any) -> dict[str, dict[str, int]]:
    return {
        before: {after: int(counts[one, other]) for other, after in enumerate(ACTIONS) if counts[one, other]}
        for one, before in enumerate(ACTIONS)
        if counts[one].any()
    }


def _month(month: int, counts: Any, horizon_ms: int) -> Month:
    name = str(np.datetime64(month, "M"))
    return Month(name, int(counts[0].sum()), _precision(counts[0]), _cohorts(counts), _immature(month, horizon_ms))


def _set_month(month: int, counts: Any, horizon_ms: int) -> SetMonth:
    alerts = counts[:, 1:].sum(axis=1)
    caught = share(int(alerts[0, FRAUD]), int(counts[0, :, FRAUD].sum()))
    return SetMonth(
        str(np.datetime64(month, "M")), int(counts[0].sum()), int(alerts[0].sum()), _precision(alerts[0]), caught,
        _cohorts(alerts), _immature(month, horizon_ms),
    )  # fmt: skip


def _immature(month: int, horizon_ms: int) -> list[int]:
    """Days that have not passed since the month's end."""
    end_ms = int(np.datetime64(month + 1, "M").astype("datetime64[ms]").astype(np.int64))
    return [days for days in COHORT_DAYS if end_ms - 1 + days * DAY_MS > horizon_ms]


def _example(example: Example) -> ExamplePayment:
    return ExamplePayment(
        example.decision_id, example.transaction_id, example.user_id, example.event_time_ms, example.amount_milli / 1000,
        OUTCOME_WORDS[example.outcome], ACTIONS[example.before], ACTIONS[example.after], example.score_before,
        example.score_after,
    )  # fmt: skip
