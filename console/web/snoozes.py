"""Snoozing a rule for a user from an alert, and ending that: the panel of an alert's and of a user's page."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.problems import Problem
from console.api.services import Services
from console.cases.case_store import CaseStore
from console.cases.rows import CaseRow
from console.cases.snoozes import MOST_DAYS, Snooze
from console.store.rows import AuditEntry
from console.store.snoozed import NEVER
from console.web.access import PageRoute, form_of, visitor_of
from console.web.rendering import TEXTS, render

router = APIRouter(route_class=PageRoute)


@router.post("/alerts/{decision_id}/snooze")
def snooze(request: Request, decision_id: str) -> Response:
    """Snooze a rule that hit in this alert for its user; gives the panel. Raises Problem."""
    services: Services = request.app.state.services
    cases: CaseStore = request.app.state.cases
    case, who = cases.case(decision_id), visitor_of(request).name
    form = {name: values[0].strip() for name, values in form_of(request).items()}
    rule, days = form.get("rule", ""), form.get("days", "")
    if case.action == NEVER:
        raise Problem(409, "hard-block", TEXTS("snooze.never"))
    decision = services.store.decision(decision_id)
    if decision is None or rule not in decision.rules.hits:
        raise Problem(422, "rule", TEXTS("snooze.other_rule"))
    if not days.isdecimal() or len(days) > len(str(MOST_DAYS)):
        raise Problem(422, "days", TEXTS("snooze.wrong_days", most=MOST_DAYS))
    made, settled = cases.snooze(case.user_id, rule, form.get("reason", ""), int(days), who)
    if case.case_id not in settled.kept_out:
        cases.record(case.case_id, "snoozed_rule", f"{rule}: {made.reason}", who)
    _audit(services, who, "rule snoozed", made, len(settled.kept_out))
    return _panel(request, case.user_id, decision_id)


@router.post("/snoozes/end")
def end_snooze(request: Request) -> Response:
    """End a snooze before its time; gives the panel of the page that asked. Raises Problem."""
    services: Services = request.app.state.services
    cases: CaseStore = request.app.state.cases
    form = {name: values[0] for name, values in form_of(request).items()}
    number, who = form.get("snooze", ""), visitor_of(request).name
    if not number.isdecimal() or len(number) > 18:
        raise Problem(422, "snooze", TEXTS("snooze.wrong_number"))
    ended, settled = cases.end_snooze(int(number), who)
    _audit(services, who, "snooze of a rule ended", ended, len(settled.returned))
    return _panel(request, ended.user_id, form.get("alert") or None)


def panel_values(request: Request, user_id: str, case: CaseRow | None, hits: list[str]) -> dict[str, Any]:
    """What the panel shows. `hits`: rules that can be snoozed on this page."""
    services: Services = request.app.state.services
    cases: CaseStore = request.app.state.cases
    now_ms = services.now_ms()
    known = cases.snoozes(user_id)
    in_force = [one for one in known if one.is_in_force(now_ms)]
    snoozed = {one.rule for one in in_force}
    can_snooze = case is not None and case.action != NEVER
    return {
        "snoozes": in_force, "ended_snoozes": [one for one in known if not one.is_in_force(now_ms)], "snoozed_case": case,
        "snoozable": [hit for hit in hits if hit not in snoozed] if can_snooze else [], "most_days": MOST_DAYS,
        "is_never": case is not None and not can_snooze,
    }  # fmt: skip


def _panel(request: Request, user_id: str, decision_id: str | None) -> Response:
    services: Services = request.app.state.services
    cases: CaseStore = request.app.state.cases
    case = None if decision_id is None else cases.case(decision_id)
    if case is not None and case.user_id != user_id:
        case = None
    decision = None if case is None else services.store.decision(case.decision_id)
    hits = [] if decision is None else decision.rules.hits
    return render(request, "snooze.html", is_part=True, **panel_values(request, user_id, case, hits))


def _audit(services: Services, who: str, what: str, snooze: Snooze, cases: int) -> None:
    services.store.audit(
        AuditEntry(
            at_ms=services.now_ms(), who=who, what=what, subject=snooze.rule, user_id=snooze.user_id,
            after={"until_ms": snooze.until_ms, "reason": snooze.reason, "cases": cases},
        )
    )  # fmt: skip
