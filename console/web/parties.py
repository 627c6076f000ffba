"""Pages of users, merchants, devices, beneficiaries, cards and IP addresses, and their places on the block list."""

from __future__ import annotations

import re
from typing import Any, get_args

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.problems import Problem
from console.api.services import Services
from console.cases.before_alert import KINDS as KINDS_OF_CHANGES
from console.cases.before_alert import before_alert
from console.cases.block_list import BlockListError, BlockListRefused
from console.cases.case_store import CaseStore
from console.cases.links import alerts_of, graph_of_party, graph_of_user
from console.store.alert_cases import LINKED
from console.store.rows import AuditEntry
from console.store.search import can_be_stored
from console.web import drawings
from console.web.access import PageRoute, form_of, visitor_of
from console.web.erasures import is_erasable
from console.web.rendering import render
from console.web.snoozes import panel_values
from udfs.records.profiles import BlockType

router = APIRouter(route_class=PageRoute)
KINDS = ("user", *LINKED)
LONGEST_ID = 256
TIMELINE_ITEMS = 60
DAY_MS = 86_400_000
MOST_DAYS = 3_650
_DAYS = re.compile(r"[0-9]{1,4}")


@router.get("/parties/{kind}/{value:path}")
def party_page(request: Request, kind: str, value: str, cursor: str | None = None) -> Response:
    """The page of one party. Raises Problem."""
    services: Services = request.app.state.services
    cases: CaseStore = request.app.state.cases
    if kind not in KINDS or not 1 <= len(value) <= LONGEST_ID or not can_be_stored(value):
        raise Problem(
            404, "no-such-party", "there are pages of users, devices, beneficiaries, merchants, cards and IP addresses"
        )
    database = services.store.database
    timeline = services.store.timeline(value, cursor, TIMELINE_ITEMS) if kind == "user" else None
    if kind == "user":
        rows, graph = cases.cases_of_user(value), graph_of_user(database, value)
    else:
        graph = graph_of_party(database, kind, value)
        rows = cases.cases_of_alerts(alerts_of(database, kind, value))
    changed = before_alert(database, value, rows[0].event_time_ms) if kind == "user" and rows else None
    nodes, edges, height = drawings.placed(graph, (kind, value))
    return render(
        request, "party.html", kind=kind, value=value, rows=rows, timeline=timeline, nodes=nodes, edges=edges,
        height=height, can_block=kind in get_args(BlockType), is_part=False, changed=changed,
        change_counts=[] if changed is None else [(one, changed.counts(one)) for one in KINDS_OF_CHANGES],
        can_erase=kind == "user" and visitor_of(request).role == "admin" and is_erasable(value),
        **(panel_values(request, value, None, []) if kind == "user" else {}),
    )  # fmt: skip


@router.get("/block-list")
def block_panel(request: Request, kind: str, value: str) -> Response:
    """Whether a party is blocked, and the form to change it."""
    return _panel(request, _block_type(kind), value)


@router.post("/block-list")
def change_block(request: Request) -> Response:
    """Block or unblock a party, with reason and expiry."""
    services: Services = request.app.state.services
    form = {name: values[0].strip() for name, values in form_of(request).items()}
    kind, value = _block_type(form.get("kind", "")), form.get("value", "")
    if services.block_list is None:
        raise Problem(409, "no-control", "this console has no control stream: start it with the --config of a job")
    if form.get("change") not in ("block", "unblock"):
        raise Problem(422, "block", "change: give block or unblock")
    is_blocked, reason, note = form.get("change") == "block", form.get("reason") or None, form.get("note") or None
    now_ms, who = services.now_ms(), visitor_of(request).name
    expires_ms = None
    if is_blocked:
        days = form.get("days", "")
        if reason is None or not _DAYS.fullmatch(days) or not 1 <= int(days) <= MOST_DAYS:
            raise Problem(422, "block", f"give a reason code, and 1 to {MOST_DAYS:,} days until it expires")
        expires_ms = now_ms + int(days) * DAY_MS
    try:
        element = services.block_list.publish(kind, value, is_blocked, who, reason, note, expires_ms)
    except BlockListRefused as error:
        raise Problem(422, "control", str(error)) from None
    except BlockListError as error:
        raise Problem(503, "control", str(error)) from None
    what = "blocked" if is_blocked else "unblocked"
    services.store.audit(
        AuditEntry(
            at_ms=now_ms, who=who, what=f"{kind} {what}", subject=value if kind != "user" else "",
            user_id=value if kind == "user" else None,
            after={"version": element.version, "reason": reason, "expires_ms": expires_ms, "note": note},
        )
    )  # fmt: skip
    return _panel(request, kind, value)


def _panel(request: Request, kind: BlockType, value: str) -> Response:
    services: Services = request.app.state.services
    values: dict[str, Any] = {"kind": kind, "value": value, "entry": None, "problem": None}
    values["has_channel"] = services.block_list is not None
    if services.block_list is not None:
        try:
            values["entry"] = services.block_list.entry(kind, value)
        except BlockListError as error:
            values["problem"] = str(error)
    return render(request, "block_panel.html", **values)


def _block_type(kind: str) -> BlockType:
    if kind not in get_args(BlockType):
        raise Problem(422, "block", "users, cards, devices, merchants and IP addresses can be blocked")
    return kind  # type: ignore[return-value]
