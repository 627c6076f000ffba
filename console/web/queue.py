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
from console.web.case_changes import colleagues_of
from console.web.formats import iso
from console.web.rendering import HEADERS, TEXTS, render

router = APIRouter(route_class=PageRoute)
MOST_EXPORTED = 5_000
MOST_NAMED = 200
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
        request, "queue.html", views=views, rules=_rule_ids(request), people=colleagues_of(request),
        current_view=next((view for view in views if view.query == current), None), **_rows(request, place),
    )  # fmt: skip


@router.get("/queue/rows")
def queue_rows(request: Request) -> Response:
    """The table alone, as it is after changes; of cases that are named those that fit, on whatever page they are."""
    place, named = place_of(request.url.query), request.query_params.getlist("case")
    if not named:
        return render(request, "queue_rows.html", **_rows(request, place))
    if len(named) > MOST_NAMED or not all(one.isdecimal() and len(one) < 19 for one in named):
        raise Problem(422, "case", f"case: give at most {MOST_NAMED} numbers of cases")
    cases: CaseStore = request.app.state.cases
    total = cases.count(place.filters)
    rows = cases.fitting(place.filters, [int(one) for one in named])
    return render(request, "queue_rows.html", **_table(request, place, total, 1, rows))


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
    rows = cases.page(place.filters, place.order, limit=MOST_EXPORTED + 1)
    for row in rows[:MOST_EXPORTED]:
        writer.writerow([_harmless(cell) for cell in _cells(row)])
    if len(rows) > MOST_EXPORTED:
        writer.writerow([TEXTS("queue.export_cut", count=f"{MOST_EXPORTED:,}")])
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
    return _table(request, place, total, pages, cases.page(place.filters, place.order, place.page))


def _table(request: Request, place: QueuePlace, total: int, pages: int, rows: list[CaseRow]) -> dict[str, Any]:
    cases: CaseStore = request.app.state.cases
    newest_case, newest_entry = cases.newest()
    return {
        "place": place, "rows": rows, "total": total, "pages": pages,
        "columns": COLUMNS, "sorted_by": SORTED_BY, "nobody": NOBODY, "newest_case": newest_case,
        "newest_entry": newest_entry, "count_text": _count_text(total),
        "unread": ", ".join(TEXTS(f"filter.{name}") for name in place.unread),
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
