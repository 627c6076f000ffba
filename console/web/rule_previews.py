"""Rules tried on the decisions of the store, while somebody writes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import select
from starlette.responses import Response

from console.api.problems import Problem
from console.decides_with import DecidesWith
from console.rules.drafts import draft_of
from console.rules.preview_order import PreviewOrder
from console.rules.previews import DAYS, MOST_DECISIONS, Preview, PreviewError, Previews
from console.store.tables import cases
from console.web.access import PageRoute, form_of, visitor_of
from console.web.rendering import render
from console.web.rule_context import require_known, services_of
from console.web.rule_editor import text_of
from udfs.records.outputs import ACTIONS
from udfs.rules.rule_set import RuleSet

router = APIRouter(route_class=PageRoute)


@router.post("/rules-previews")
def start(request: Request) -> Response:
    """Begin to try the rules of a text. Raises Problem if it has errors."""
    known = require_known(request)
    rule_set = draft_of(text_of(request), known).rule_set
    if rule_set is None:
        raise Problem(422, "rules", "these rules have errors: see the list beside them")
    try:
        days = int(form_of(request).get("days", ["30"])[0])
    except ValueError:
        days = 0
    if days not in DAYS:
        raise Problem(422, "days", f"days: give one of {', '.join(map(str, DAYS))}")
    try:
        return _shown(
            request, previews_of(request).start(visitor_of(request).name, _order(request, known, rule_set, days))
        )
    except PreviewError as error:
        raise Problem(429, "busy", str(error), {"Retry-After": "10"}) from None


@router.get("/rules-previews/{number}")
def follow(request: Request, number: int) -> Response:
    """How far it is, or what it has found."""
    return _shown(request, _preview(request, number))


@router.post("/rules-previews/{number}/cancel")
def cancel(request: Request, number: int) -> Response:
    """End one's own."""
    found = _preview(request, number)
    if found.who != visitor_of(request).name:
        raise Problem(403, "not-yours", f"{found.who} tries these rules")
    previews_of(request).cancel(number)
    return _shown(request, _preview(request, number))


def previews_of(request: Request) -> Previews:
    previews: Previews = request.app.state.previews
    return previews


def alerts_among(request: Request, report: dict[str, Any]) -> set[str]:
    """The ids of the examples that have an alert's page."""
    figures: Iterable[dict[str, Any]] = report["rule_figures"]
    ids = {one["decision_id"] for rule in figures for one in (*rule["best_true"], *rule["worst_false"])}
    column = cases.c.decision_id
    with services_of(request).store.database.read() as connection:
        return {str(one) for one in connection.execute(select(column).where(column.in_(sorted(ids)))).scalars()}


def _shown(request: Request, found: Preview) -> Response:
    linked = set() if found.report is None else alerts_among(request, found.report)
    return render(
        request, "rule_preview.html", preview=found, report=found.report, actions=ACTIONS, linked=linked,
        is_mine=found.who == visitor_of(request).name, most=MOST_DECISIONS,
    )  # fmt: skip


def _preview(request: Request, number: int) -> Preview:
    found = previews_of(request).preview(number)
    if found is None:
        raise Problem(404, "no-such-preview", "this preview is not kept any more; try the rules again")
    return found


def _order(request: Request, known: DecidesWith, rule_set: RuleSet, days: int) -> PreviewOrder:
    if known.bundle_path is None or known.manifest() is None:
        raise Problem(409, "no-bundle", "the bundle that decides is not on this machine, so rules cannot be tried here")
    database = services_of(request).store.database
    return PreviewOrder(
        store_url=database.url.render_as_string(hide_password=False), rules=rule_set, against=known.rules,
        bundle=str(known.bundle_path), settings=known.settings, statistics=known.statistics,
        lists=tuple(one.named_list for one in known.lists.values()), days=days, most_decisions=MOST_DECISIONS,
    )  # fmt: skip
