"""The queue's page, its rows, saved views, and its export as CSV."""

from __future__ import annotations

import csv
import io
from math import ceil
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from console.api.problems import Problem
from console.cases.case_store import CaseStore
from console.cases.queue import NOBODY, PAGE_ROWS
from console.cases.rows import CaseRow
from console.cases.views import ViewError, delete_view, save_view, views_of
from console.store.engine import Database
from console.web.access import PageRoute, form_of, visitor_of
from console.web.addresses import QueuePlace, place_of
from console.web.formats import iso
from console.web.rendering import HEADERS, TEXTS, render

router = APIRouter(route_class=PageRoute)
MOST_EXPORTED_PAGES = 100
COLUMNS = ("score", "amount", "reason", "user", "merchant", "action", "age", "assignee", "due")
SORTED_BY = {
    "score": "score", "amount": "amount", "user": "user", "merchant": "merchant", "action": "action", "age": "time",
    "assignee": "assignee", "due": "due",
}  # fmt: skip


@router.get("/")
def queue_page(request: Request) -> Response:
    """The whole page."""
    place = place_of(request.url.query)
    visitor = visitor_of(request)
    views = views_of(_database(request), visitor.name)
    current = place._replace(page=0).query()
    return render(
        request, "queue.html", views=views, rules=_rule_ids(request),
        current_view=next((view for view in views if view.query == current), None), **_rows(request, place),
    )  # fmt: skip


@router.get("/queue/rows")
def queue_rows(request: Request) -> Response:
    """The table alone, as it is after changes."""
    return render(request, "queue_rows.html", **_rows(request, place_of(request.url.query)))


@router.get("/queue.csv")
def queue_csv(request: Request) -> Response:
    """The cases that fit, as CSV that spreadsheets take as text: no cell begins as a formula."""
    place = place_of(request.url.query)
    cases: CaseStore = request.app.state.cases
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(
        ["alert", "time", "user", "merchant", "transaction", "risk_score", "action", "amount", "currency", "state",
         "outcome", "assignee", "due", "reason"]
    )  # fmt: skip
    for number in range(MOST_EXPORTED_PAGES):
        rows = cases.page(place.filters, place.order, number)
        for row in rows:
            writer.writerow([_harmless(cell) for cell in _cells(row)])
        if len(rows) < PAGE_ROWS:
            break
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="alerts.csv"'}
    return Response(text.getvalue().encode("utf-8-sig"), media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/views")
def save(request: Request) -> Response:
    """Save the filters and order of an address under a name, or replace those of this name."""
    form = form_of(request)
    place = place_of(form.get("query", [""])[0])
    query = place._replace(page=0).query()
    try:
        save_view(
            _database(request), visitor_of(request).name, form.get("name", [""])[0], query,
            request.app.state.services.now_ms(),
        )  # fmt: skip
    except ViewError as error:
        raise Problem(422, "view", str(error)) from None
    return RedirectResponse(f"/?{query}", 303, headers=HEADERS)


@router.post("/views/delete")
def delete(request: Request) -> Response:
    """Delete one of the visitor's own views."""
    delete_view(_database(request), visitor_of(request).name, form_of(request).get("name", [""])[0])
    return RedirectResponse("/", 303, headers=HEADERS)


def _rows(request: Request, place: QueuePlace) -> dict[str, Any]:
    cases: CaseStore = request.app.state.cases
    total = cases.count(place.filters)
    pages = max(1, ceil(total / PAGE_ROWS))
    place = place._replace(page=min(place.page, pages - 1))
    newest_case, newest_entry = cases.newest()
    return {
        "place": place, "rows": cases.page(place.filters, place.order, place.page), "total": total, "pages": pages,
        "columns": COLUMNS, "sorted_by": SORTED_BY, "nobody": NOBODY, "newest_case": newest_case,
        "newest_entry": newest_entry, "count_text": _count_text(total),
    }  # fmt: skip


def _count_text(total: int) -> str:
    return TEXTS("queue.count_one") if total == 1 else TEXTS("queue.count", count=f"{total:,}")


def _rule_ids(request: Request) -> list[str]:
    rules = request.app.state.services.rules
    return [] if rules is None else [rule.id for rule in rules.rules]


def _database(request: Request) -> Database:
    database: Database = request.app.state.services.store.database
    return database


def _cells(row: CaseRow) -> list[str]:
    values = [
        row.decision_id, iso(row.event_time_ms), row.user_id, row.merchant_id, row.transaction_id, row.risk_score,
        row.action, row.amount, row.currency, row.state, row.outcome, row.assignee,
        None if row.due_ms is None else iso(row.due_ms), row.title,
    ]  # fmt: skip
    return ["" if value is None else str(value) for value in values]


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes as a formula."""
    return f"'{cell}" if cell.lstrip()[:1] in ("=", "+", "-", "@", "|", "%") or cell[:1] in ("\t", "\r", "\n") else cell
