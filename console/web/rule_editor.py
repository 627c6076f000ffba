"""The editor of rules: text, check while typing, completions, and what changes against what is in force."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Any

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.problems import Problem
from console.api.shapes import json_response
from console.decides_with import DecidesWith
from console.rules.drafts import changes_of, draft_of, text_to_begin_with
from console.rules.previews import DAYS
from console.web.access import PageRoute, form_of, visitor_of
from console.web.rendering import render
from console.web.rule_context import known_of, services_of
from udfs.features.feature_set import feature_set_of
from udfs.rules.checked_file import LocatedProblem
from udfs.rules.completions import completions
from udfs.rules.rule_schema import rule_file_schema

router = APIRouter(route_class=PageRoute)
MOST_PROBLEMS = 200
CHECKS_AT_ONCE, TURN_SECONDS = 2, 5.0


class CheckAnswer(msgspec.Struct, frozen=True):
    """`problems`: at most MOST_PROBLEMS of `count`."""

    valid: bool
    count: int
    problems: list[LocatedProblem]


@router.get("/rules-editor")
def editor_page(request: Request) -> Response:
    """The editor with the rules in force as the next version."""
    known = known_of(request)
    return editor(request, known, text_to_begin_with(known))


def editor(request: Request, known: DecidesWith, text: str, overtaken_by: int | None = None) -> Response:
    """The editor with a text. `overtaken_by`: the version that came into force while the text was written."""
    return render(
        request, "rule_editor.html", 200 if overtaken_by is None else 409, text=text, rule_set=known.rules,
        overtaken_by=overtaken_by, trouble=known.trouble, periods=DAYS,
        has_bundle=known.manifest() is not None, has_channel=services_of(request).control is not None,
        works=visitor_of(request).role in ("analyst", "admin"),
    )  # fmt: skip


@router.post("/rules-check")
def check(request: Request) -> Response:
    """All that is wrong, or odd, about a text, with places: what `fraud rules check --format json` tells."""
    with _turn(request):
        checked = draft_of(text_of(request), known_of(request)).checked
        problems = checked.located(MOST_PROBLEMS)
    return json_response(CheckAnswer(checked.is_valid, len(checked.problems), problems))


@router.post("/rules-changes")
def changes(request: Request) -> Response:
    """What a text changes against what is in force."""
    known = known_of(request)
    with _turn(request):
        draft = draft_of(text_of(request), known)
    found = None if draft.rule_set is None else changes_of(draft.rule_set, known)
    return render(request, "rule_changes.html", changes=found, is_valid=draft.rule_set is not None)


@router.get("/rules-completions")
def known_names(request: Request) -> Response:
    """What conditions and rules may have: names with unit and meaning, functions, lists, fields."""
    known = known_of(request)
    manifest = known.manifest()
    features = feature_set_of(() if manifest is None else manifest.attributes).features
    rule: dict[str, Any] = rule_file_schema()["properties"]["rules"]["items"]["properties"]
    fields = [
        {"name": name, "meaning": told.get("description", ""), "values": [one for one in told.get("enum", ()) if one]}
        for name, told in rule.items()
    ]
    return json_response({**completions(features, known.lists), "fields": fields})


@contextmanager
def _turn(request: Request) -> Iterator[None]:
    """A large text takes a while: few are checked at once, so that answers are not kept waiting. Raises Problem."""
    turns: BoundedSemaphore = request.app.state.check_turns
    if not turns.acquire(timeout=TURN_SECONDS):
        raise Problem(429, "busy", "others are checking rules now: try again in a moment", {"Retry-After": "5"})
    try:
        yield
    finally:
        turns.release()


def text_of(request: Request) -> str:
    """The rules of a form."""
    return form_of(request).get("rules", [""])[0]
