"""What was in force when: the log of the control stream, its hash chain, and the difference of two versions of the rules."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.problems import Problem
from console.api.proposals import desk_of, refusing
from console.web.access import PageRoute
from console.web.rendering import render
from console.web.rule_context import services_of
from udfs.control.chain import Recorded
from udfs.control.elements import RULES, ControlError, RulesControl
from udfs.control.envelope import decode_record
from udfs.control.history import HistoryEntry, in_force
from udfs.rules.difference import Difference, difference
from udfs.rules.rule_set import RuleSet

router = APIRouter(route_class=PageRoute)
MOST_ENTRIES = 200


@router.get("/rules-history")
def history_page(request: Request, at: str = "", before: int | None = None, after: int | None = None) -> Response:
    """The newest entries. `at`: a moment in UTC, to be told what was in force; `before`, `after`: positions of two versions
    of the rules to compare."""
    if services_of(request).control is None:
        return render(request, "history.html", entries=None)
    at_ms = _moment(at)
    records, entries = refusing(lambda: desk_of(request).log())
    chain, faults = refusing(lambda: desk_of(request).faults(records))
    found = None if at_ms is None else sorted(in_force(entries, at_ms).values(), key=lambda entry: str(entry.key))
    return render(
        request, "history.html", entries=entries[: -MOST_ENTRIES - 1 : -1], count=len(entries), at=at, found=found,
        at_ms=at_ms, chain=chain, faults=faults, earlier=_earlier(entries), changes=_changes(records, before, after),
    )  # fmt: skip


def _earlier(entries: list[HistoryEntry]) -> dict[int, int]:
    """Of each accepted version of the rules the position of the one before it."""
    positions = [entry.position for entry in entries if entry.outcome == "accepted" and entry.key == RULES]
    return dict(zip(positions[1:], positions, strict=False))


def _changes(records: list[Recorded], before: int | None, after: int | None) -> Difference | None:
    if before is None or after is None:
        return None
    return difference(_rules_at(records, before), _rules_at(records, after))


def _rules_at(records: list[Recorded], position: int) -> RuleSet:
    try:
        if not 1 <= position <= len(records):
            raise ControlError("there is no such record")
        element = decode_record(records[position - 1].payload).element
        if not isinstance(element, RulesControl):
            raise ControlError("it is not of rules")
    except ControlError as error:
        raise Problem(404, "no-rules", f"entry {position} has no rules: {error}") from None
    return element.rule_set


def _moment(text: str) -> int | None:
    """Raises Problem."""
    if not text:
        return None
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Problem(422, "at", "at: give a moment in UTC as 2026-03-01T12:00") from None
