"""The replay of one decision: a button on its alert, and the verdict."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.problems import Problem
from console.api.services import Services
from console.cases.case_store import CaseStore
from console.replay_desk import ReplaysBusy
from console.replay_orders import Differing, Verdict
from console.store.rows import AuditEntry
from console.web.access import PageRoute, visitor_of
from console.web.formats import number
from console.web.rendering import TEXTS, render

router = APIRouter(route_class=PageRoute)
MOST_SHOWN = 60
_PARTS = ("decision", "model", "rules", "features")


class ShownDifference(NamedTuple):
    """A value that differs, in words."""

    name: str
    recorded: str
    derived: str


@router.post("/alerts/{decision_id}/replay")
def replay(request: Request, decision_id: str) -> Response:
    """Derive the decision again; gives the verdict. Raises Problem where this console cannot, or is busy."""
    services: Services = request.app.state.services
    cases: CaseStore = request.app.state.cases
    case, who = cases.case(decision_id), visitor_of(request).name
    if services.replays is None:
        raise Problem(409, "no-replay", TEXTS("replay.not_here"))
    try:
        verdict = services.replays.verdict(decision_id)
    except ReplaysBusy:
        raise Problem(503, "replays-busy", TEXTS("replay.busy"), {"Retry-After": "5"}) from None
    told = words_of(verdict)
    cases.record(case.case_id, "replayed", told, who)
    services.store.audit(
        AuditEntry(
            at_ms=services.now_ms(), who=who, what="decision replayed", subject=decision_id, user_id=case.user_id,
            after={"verdict": told},
        )
    )  # fmt: skip
    return render(
        request, "replay.html", case=case, verdict=verdict, told=told, can_replay=True,
        by_part=[(part, list(rows)) for part, rows in groupby(_shown(verdict), lambda row: row[0])],
        left_out=max(0, len(verdict.differences) - MOST_SHOWN),
    )  # fmt: skip


def words_of(verdict: Verdict) -> str:
    """The verdict in one sentence."""
    if verdict.cannot is not None:
        return TEXTS("replay.cannot", why=verdict.cannot)
    count = len(verdict.differences)
    if count == 0:
        return TEXTS("replay.same")
    return TEXTS("replay.different_one") if count == 1 else TEXTS("replay.different", count=count)


def _shown(verdict: Verdict) -> list[tuple[str, ShownDifference]]:
    """(part, difference), in the order of the parts."""
    rows = [(_part_of(one), one) for one in verdict.differences]
    rows.sort(key=lambda row: _PARTS.index(row[0]))
    return [
        (part, ShownDifference(one.name.removeprefix(f"{part}."), _words(one.recorded), _words(one.derived)))
        for part, one in rows[:MOST_SHOWN]
    ]


def _part_of(difference: Differing) -> str:
    first = difference.name.partition(".")[0]
    return first if first in _PARTS else "decision"


def _words(value: Any) -> str:
    if value is None:
        return TEXTS("case.unknown")
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    short = number(value)
    return short if short and float(short.replace(",", "")) == value else f"{short} ({value!r})"
