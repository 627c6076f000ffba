"""The rules: hits and precision, conditions, versions."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.problems import Problem
from console.api.services import Services
from console.cases.case_store import CaseStore
from console.cases.queue import QueueFilters, QueueOrder
from console.cases.rule_results import DAYS, RuleResult, RuleResults
from console.decides_with import DecidesWith
from console.web.access import PageRoute
from console.web.rendering import render
from udfs.rules.rule_set import Rule

router = APIRouter(route_class=PageRoute)
MOST_CASES = 20


@router.get("/rules")
def rules_page(request: Request) -> Response:
    """All rules in force, and those of the store that hit."""
    services: Services = request.app.state.services
    results = _results(request)
    decides_with = services.decides_with()
    rules = _rules(decides_with)
    rows = [(rule, results.get(rule.id, _none(rule.id))) for rule in rules]
    known = {rule.id for rule in rules}
    others = [result for rule, result in sorted(results.items()) if rule not in known]
    rows.sort(key=lambda row: -row[1].hits)
    return render(
        request, "rules.html", rows=rows, others=others, rule_set=decides_with.rules, trouble=decides_with.trouble,
        versions=services.store.rule_sets(), newest=services.store.newest_versions(), days=DAYS,
    )  # fmt: skip


@router.get("/rules/{rule_id}")
def rule_page(request: Request, rule_id: str) -> Response:
    """One rule. Raises Problem if neither the rule set nor the store has it."""
    services: Services = request.app.state.services
    cases: CaseStore = request.app.state.cases
    rule = next((rule for rule in _rules(services.decides_with()) if rule.id == rule_id), None)
    result = _results(request).get(rule_id)
    if rule is None and result is None:
        raise Problem(404, "no-such-rule", "there is no rule of this id in force, and no decision of the store has it")
    filters = QueueFilters(state="all", rule=rule_id)
    rows = cases.page(filters, QueueOrder(by="time"))[:MOST_CASES]
    return render(
        request, "rule.html", rule=rule, rule_id=rule_id, result=result or _none(rule_id), rows=rows, days=DAYS
    )


def _rules(decides_with: DecidesWith) -> tuple[Rule, ...]:
    return () if decides_with.rules is None else decides_with.rules.rules


def _results(request: Request) -> dict[str, RuleResult]:
    results: RuleResults = request.app.state.rule_results
    return results.of_all()


def _none(rule_id: str) -> RuleResult:
    return RuleResult(rule=rule_id, hits=0, frauds=0, others=0, amounts={})
