"""The page of one alert: why, its parts, values, rules, the user's day, what it shares, journal and exports."""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.problems import Problem
from console.api.services import Services
from console.cases.case_file import CaseFile, case_file
from console.cases.case_store import CaseStore
from console.cases.journal import MOST_NOTE_CHARACTERS
from console.cases.rows import CaseRow
from console.web import drawings
from console.web.access import PageRoute, form_of, visitor_of
from console.web.addresses import place_of
from console.web.case_changes import colleagues_of
from console.web.exports import pdf_of
from console.web.formats import money, utc
from console.web.rendering import HEADERS, TEXTS, render
from console.web.snoozes import panel_values

router = APIRouter(route_class=PageRoute)


@router.get("/alerts/{decision_id}")
def alert_page(request: Request, decision_id: str) -> Response:
    """The whole page."""
    cases = _cases(request)
    case = cases.case(decision_id)
    place = place_of(request.url.query)
    previous, following = cases.neighbours(case.case_id, place.filters, place.order)
    query = place.query()
    suffix = f"?{query}" if query else ""
    file = _file(request, case)
    return render(
        request, "alert.html", case=case, file=file, place=place, suffix=suffix, query=query,
        previous=None if previous is None else f"/alerts/{previous}{suffix}",
        following=None if following is None else f"/alerts/{following}{suffix}",
        labels_go=request.app.state.services.takes_labels, can_replay=request.app.state.services.replays is not None,
        is_part=False, people=colleagues_of(request),
        **panel_values(request, case.user_id, case, [hit.id for hit in file.rules]), **_drawn(file),
    )  # fmt: skip


@router.get("/alerts/{decision_id}/journal")
def journal(request: Request, decision_id: str) -> Response:
    """The journal alone, as it is after changes."""
    return _journal(request, _cases(request).case(decision_id))


@router.post("/alerts/{decision_id}/notes")
def add_note(request: Request, decision_id: str) -> Response:
    """Add a note; gives the journal."""
    text = form_of(request).get("note", [""])[0].strip()
    if not 1 <= len(text) <= MOST_NOTE_CHARACTERS:
        raise Problem(422, "note", f"note: give 1 to {MOST_NOTE_CHARACTERS:,} characters")
    case = _cases(request).case(decision_id)
    _cases(request).add_note(case.case_id, text, visitor_of(request).name)
    return _journal(request, case)


@router.get("/alerts/{decision_id}/export.json")
def export_json(request: Request, decision_id: str) -> Response:
    """All that is known of the alert, as JSON."""
    file = _file(request, _cases(request).case(decision_id))
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="alert-{file.case.case_id}.json"'}
    return Response(msgspec.json.encode(file), media_type="application/json", headers=headers)


@router.get("/alerts/{decision_id}/export.pdf")
def export_pdf(request: Request, decision_id: str) -> Response:
    """The draft of a report to an authority, as PDF."""
    services: Services = request.app.state.services
    file = _file(request, _cases(request).case(decision_id))
    headers = {**HEADERS, "Content-Disposition": f'attachment; filename="alert-{file.case.case_id}.pdf"'}
    body = pdf_of(file, visitor_of(request).name, services.now_ms())
    return Response(body, media_type="application/pdf", headers=headers)


def _journal(request: Request, case: CaseRow) -> Response:
    cases = _cases(request)
    return render(
        request, "journal.html", case=case, journal=cases.journal(case.case_id), labels=cases.labels(case.case_id),
        labels_go=request.app.state.services.takes_labels,
    )  # fmt: skip


def _drawn(file: CaseFile) -> dict[str, Any]:
    decision = file.decision
    if decision is None:
        return {"bars": [], "dots": [], "bands": []}
    words = [f"{utc(one.event_time_ms)}  {money(one.amount, one.currency)}  {one.risk_score}" for one in file.day]
    return {
        "bars": drawings.waterfall(decision, TEXTS("case.other_parts"), TEXTS("case.total")),
        "dots": drawings.dots(file.day, decision, words),
        "bands": drawings.bands(decision.event_time_ms),
    }


def _file(request: Request, case: CaseRow) -> CaseFile:
    services: Services = request.app.state.services
    return case_file(
        services.store, _cases(request), request.app.state.usual, services.decides_with().rule_set_of, case
    )


def _cases(request: Request) -> CaseStore:
    cases: CaseStore = request.app.state.cases
    return cases
