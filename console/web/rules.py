"""The rules: state, hits, precision and money of each, conditions, versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.problems import Problem
from console.cases.case_store import CaseStore
from console.cases.queue import QueueFilters, QueueOrder
from console.cases.rule_results import DAYS, RuleResult, RuleResults
from console.decides_with import DecidesWith
from console.rules.rule_costs import RuleCosts
from console.rules.shadow_results import NEWEST, ShadowResults
from console.rules.unique_catches import UniqueCatches
from console.web.access import PageRoute
from console.web.rendering import render
from console.web.rule_context import known_of, services_of
from udfs.rules.rule_set import RULE_STATES, Rule

router = APIRouter(route_class=PageRoute)
MOST_CASES = 20


class RuleRow(NamedTuple):
    """A line of the list. `rule`: None for one that hit and is not in force. `unique`: frauds that it caught alone; None
    where that is not known. `shadow_hits`: of the newest decisions, where it did not count; None if nothing is in shadow.
    `tripped`: what a guardrail found. `cost_us`: of its condition, microseconds a payment; None: not measured."""

    name: str
    rule: Rule | None
    result: RuleResult
    unique: int | None
    shadow_hits: int | None
    tripped: str | None
    cost_us: float | None

    @property
    def state_order(self) -> float:
        """Live first; of live ones by their share."""
        if self.rule is None or not self.rule.enabled:
            return -1.0
        return RULE_STATES.index(self.rule.state) % 3 + self.rule.rollout / 101


SORTS: dict[str, Callable[[RuleRow], Any]] = {
    "rule": lambda row: row.name,
    "state": lambda row: row.state_order,
    "points": lambda row: -1 if row.rule is None else row.rule.points,
    "hits": lambda row: row.result.hits,
    "labelled": lambda row: row.result.frauds + row.result.others,
    "precision": lambda row: -1.0 if row.result.precision is None else row.result.precision,
    "unique": lambda row: -1 if row.unique is None else row.unique,
    "amount": lambda row: sum(row.result.amounts.values()),
    "stopped": lambda row: sum(row.result.stopped.values()),
    "cost": lambda row: -1.0 if row.cost_us is None else row.cost_us,
}


@router.get("/rules")
def rules_page(request: Request, sort: str = "-hits") -> Response:
    """All rules in force, and those of the store that hit. `sort`: a column, with `-` the greatest first."""
    known = known_of(request)
    store = services_of(request).store
    rows = _rows(request, known)
    by = sort.removeprefix("-") if sort.removeprefix("-") in SORTS else "hits"
    descending = sort.startswith("-") or by != sort
    rows.sort(key=lambda row: row.name)
    rows.sort(key=SORTS[by], reverse=descending)
    return render(
        request, "rules.html", rows=rows, rule_set=known.rules, trouble=known.trouble,
        versions=store.rule_sets(), newest=store.newest_versions(), days=DAYS, newest_count=NEWEST, sorts=tuple(SORTS),
        by=by, descending=descending,
    )  # fmt: skip


@router.get("/rules/{rule_id}")
def rule_page(request: Request, rule_id: str) -> Response:
    """One rule. Raises Problem if neither the rule set nor the store has it."""
    known = known_of(request)
    row = next((row for row in _rows(request, known) if row.name == rule_id), None)
    if row is None:
        raise Problem(404, "no-such-rule", "there is no rule of this id in force, and no decision of the store has it")
    cases: CaseStore = request.app.state.cases
    found = cases.page(QueueFilters(state="all", rule=rule_id), QueueOrder(by="time"))[:MOST_CASES]
    return render(
        request, "rule.html", row=row, rule=row.rule, rule_id=rule_id, result=row.result, rows=found, days=DAYS,
        newest_count=NEWEST, trouble=known.trouble, is_changeable=services_of(request).control is not None,
    )  # fmt: skip


def _rows(request: Request, known: DecidesWith) -> list[RuleRow]:
    results = _results(request)
    catches: UniqueCatches = request.app.state.unique_catches
    unique = catches.of_all(known)
    rule_set = known.rules
    rules = {} if rule_set is None else {rule.id: rule for rule in rule_set.rules}
    shadow_hits = _shadow_hits(request, known)
    rule_costs: RuleCosts = request.app.state.rule_costs
    costs = rule_costs.of_rules(known)

    def row(name: str, rule: Rule | None) -> RuleRow:
        return RuleRow(
            name, rule, results.get(name, _none(name)), None if unique is None else unique.get(name, 0),
            None if shadow_hits is None or rule is None or _counts_for_all(rule) else shadow_hits.get(name, 0),
            known.tripped.get(name),
            costs.get(name),
        )  # fmt: skip

    return [row(name, rule) for name, rule in rules.items()] + [
        row(name, None) for name in results if name not in rules
    ]


def _shadow_hits(request: Request, known: DecidesWith) -> dict[str, int] | None:
    rule_set = known.rules
    if rule_set is None or all(_counts_for_all(rule) for rule in rule_set.rules if rule.is_evaluated):
        return None
    shadow: ShadowResults = request.app.state.shadow_results
    found = shadow.of_all().get(rule_set.name)
    return {} if found is None else found.hits


def _counts_for_all(rule: Rule) -> bool:
    return rule.is_live and rule.rollout == 100


def _results(request: Request) -> dict[str, RuleResult]:
    results: RuleResults = request.app.state.rule_results
    return results.of_all()


def _none(rule_id: str) -> RuleResult:
    return RuleResult(rule=rule_id, hits=0, frauds=0, others=0, amounts={})
