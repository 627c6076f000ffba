"""The system: versions in force, dead letters and their sending again, degraded decisions, audit log; and privacy."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import Response

from console.answers.port import AnswersError, Unavailable
from console.api.problems import Problem
from console.api.services import Services
from console.cases.case_store import CaseStore
from console.store.rows import AuditEntry, DeadLetterRow
from console.web import system_view
from console.web.access import PageRoute, form_of, visitor_of
from console.web.rendering import STATIC, render

router = APIRouter(route_class=PageRoute)
LETTERS, AUDIT_ENTRIES = 20, 30
LARGEST_PAYLOAD = 200_000


class _Kind(msgspec.Struct):
    type: str = "transaction"


_decode_kind = msgspec.json.Decoder(_Kind).decode


class Letter(NamedTuple):
    """A dead letter with its bytes as text, if they are text."""

    row: DeadLetterRow
    text: str | None


@router.get("/system")
def system_page(request: Request, letters: str | None = None, audit: str | None = None) -> Response:
    """The whole page. `letters`, `audit`: cursors."""
    services: Services = request.app.state.services
    case_store: CaseStore = request.app.state.cases
    letter_page = services.store.dead_letters(letters, LETTERS)
    return render(
        request, "system.html", versions=services.versions(), store=services.store.database.name,
        newest=services.store.newest_versions(), trouble=services.decides_with().trouble,
        letters=[_letter(row) for row in letter_page.items], letters_cursor=letter_page.next_cursor,
        can_send=services.answers is not None and visitor_of(request).role == "admin",
        decides=services.answers is not None,
        audit_page=services.store.audit_log(audit, AUDIT_ENTRIES) if visitor_of(request).role == "admin" else None,
        labels=case_store.label_counts(), tabs=request.app.state.live.count(),
        **system_view.of_store(services), **system_view.of_samples(services),
    )  # fmt: skip


@router.post("/system/dead-letters/send")
async def send_again(request: Request) -> Response:
    """Send the record of a dead letter, mended, to what decides: it is a new record."""
    services: Services = request.app.state.services
    form = form_of(request)
    letter_id, text = form.get("letter", [""])[0], form.get("payload", [""])[0]
    if services.answers is None:
        raise Problem(409, "read-only", "this console decides nothing, so nothing can be sent again")
    if not text.strip() or len(text) > LARGEST_PAYLOAD:
        raise Problem(422, "payload", f"give the record as JSON of 1 to {LARGEST_PAYLOAD:,} characters")
    payload = text.strip().encode()
    try:
        kind = _decode_kind(payload).type
    except (msgspec.MsgspecError, RecursionError):
        kind = "transaction"
    try:
        if kind == "transaction":
            told: str = (await services.answers.decide(payload)).action
        else:
            told = await services.answers.accept(payload)
    except Unavailable:
        raise
    except AnswersError as error:
        raise Problem(422, "refused", str(error)) from None
    entry = AuditEntry(
        at_ms=services.now_ms(), who=visitor_of(request).name, what="dead letter sent again", subject=letter_id[:64],
        after={"result": told},
    )  # fmt: skip
    services.store.audit(entry)
    return render(request, "sent_again.html", told=told)


@router.get("/privacy")
def privacy_page(request: Request) -> Response:
    """What the pages load: files of this console alone."""
    lines = (STATIC / "vendor" / "VENDORED").read_text().splitlines()
    vendored = [line.split() for line in lines if line and not line.startswith("#")]
    return render(request, "privacy.html", vendored=vendored)


def _letter(row: DeadLetterRow) -> Letter:
    if len(row.payload) > LARGEST_PAYLOAD:  # cut, it would be sent cut
        return Letter(row, None)
    try:
        return Letter(row, row.payload.decode())
    except UnicodeDecodeError:
        return Letter(row, None)
