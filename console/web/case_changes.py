"""What changes cases. Scripts get JSON: what was done, and what was refused and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.problems import Problem
from console.api.shapes import json_response
from console.cases.case_store import CaseStore
from console.cases.queue import NOBODY
from console.cases.rows import Changed, Outcome
from console.web.access import PageRoute, form_of, visitor_of
from console.web.accounts import accounts
from console.web.addresses import place_of

router = APIRouter(route_class=PageRoute)
MOST_CASES = 500
FIRST_YEAR = 2000
_DAY_END_MS = 86_400_000 - 1


class Claimed(msgspec.Struct, frozen=True):
    """`alert`: id of the alert to open; None if there is none."""

    alert: str | None


@router.post("/cases/outcome")
def decide(request: Request) -> Response:
    """Close cases with an outcome."""
    outcome = _field(request, "outcome")
    _check_outcome(outcome)
    return _told(_cases(request).decide(_numbers(request), outcome, visitor_of(request).name))  # type: ignore[arg-type]


@router.post("/cases/undo")
def undo(request: Request) -> Response:
    """Open closed cases again, those with the outcome that is taken back."""
    outcome = _field(request, "outcome") or None
    if outcome is not None:
        _check_outcome(outcome)
    return _told(_cases(request).undo(_numbers(request), visitor_of(request).name, outcome))  # type: ignore[arg-type]


@router.post("/cases/assign")
def assign(request: Request) -> Response:
    """Give cases to somebody who is there: `me`, a name, or nobody."""
    visitor, name = visitor_of(request), _field(request, "assignee")
    known = {visitor.name, *colleagues_of(request)}
    if name == "me":
        name = visitor.name
    if name != NOBODY and name not in known:
        raise Problem(422, "assignee", "assignee: nobody of this name")
    return _told(_cases(request).assign(_numbers(request), None if name == NOBODY else name, visitor.name))


def colleagues_of(request: Request) -> list[str]:
    """Who else may work on cases."""
    own = visitor_of(request).name
    people = accounts(request.app.state.services.store.database)
    return [
        one.name for one in people if one.name != own and one.disabled_ms is None and one.role in ("analyst", "admin")
    ]


@router.post("/cases/due")
def set_due(request: Request) -> Response:
    """Set the due date of cases: the end of a day in UTC, or none."""
    text = _field(request, "due")
    try:
        day = None if not text else datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise Problem(422, "due", "due: give a day as 2026-01-31") from None
    if day is not None and day.year < FIRST_YEAR:
        raise Problem(422, "due", f"due: give a day from {FIRST_YEAR} on")
    due_ms = None if day is None else int(day.timestamp() * 1000) + _DAY_END_MS
    return _told(_cases(request).set_due(_numbers(request), due_ms, visitor_of(request).name))


@router.post("/cases/claim")
def claim(request: Request) -> Response:
    """Claim one case, or renew its claim. 409 if somebody else has it."""
    row = _cases(request).claim(_numbers(request)[0], visitor_of(request).name)
    return json_response(Claimed(row.decision_id))


@router.post("/cases/release")
def release(request: Request) -> Response:
    """Give up the claim of one case."""
    _cases(request).release(_numbers(request)[0], visitor_of(request).name)
    return json_response(Claimed(None))


@router.post("/queue/next")
def take_next(request: Request) -> Response:
    """Claim and take the first alert of these filters and order that nobody has."""
    place = place_of(_field(request, "query"))
    row = _cases(request).claim_next(place.filters, place.order, visitor_of(request).name)
    return json_response(Claimed(None if row is None else row.decision_id))


def _check_outcome(outcome: str) -> None:
    """Raises Problem."""
    if outcome not in get_args(Outcome):
        raise Problem(422, "outcome", f"outcome: give one of {', '.join(get_args(Outcome))}")


def _told(changed: Changed) -> Response:
    return json_response(changed)


def _cases(request: Request) -> CaseStore:
    cases: CaseStore = request.app.state.cases
    return cases


def _field(request: Request, name: str) -> str:
    return form_of(request).get(name, [""])[0]


def _numbers(request: Request) -> list[int]:
    texts = form_of(request).get("case", [])
    if not 1 <= len(texts) <= MOST_CASES or not all(one.isdecimal() and len(one) < 19 for one in texts):
        raise Problem(422, "case", f"case: give 1 to {MOST_CASES} numbers of cases")
    return [int(one) for one in texts]
