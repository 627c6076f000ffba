"""The system: versions in force, dead letters and their sending again, degraded decisions, audit log; and privacy."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
from fastapi import APIRouter, Request
from sqlalchemy import Connection, func, select
from starlette.responses import Response

from console.answers.port import AnswersError
from console.api.problems import Problem
from console.api.services import Services
from console.cases.case_store import CaseStore
from console.store.engine import Database
from console.store.errors import StoreUnavailable
from console.store.rows import AuditEntry, DeadLetterRow
from console.store.tables import cases, dead_letters, decisions, deliveries, positions
from console.web.access import PageRoute, form_of, visitor_of
from console.web.rendering import STATIC, render

router = APIRouter(route_class=PageRoute)
LETTERS, AUDIT_ENTRIES, NEWEST_DECISIONS, NEWEST_LETTERS, CHART_DAYS = 20, 30, 2_000, 5_000, 30
DAY_MS = 86_400_000
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
        request, "system.html", versions=services.versions(), store=services.store.database.name, lag=_lag(services),
        letters=[_letter(row) for row in letter_page.items], letters_cursor=letter_page.next_cursor,
        can_send=services.answers is not None and visitor_of(request).role == "admin",
        decides=services.answers is not None, audit_page=services.store.audit_log(audit, AUDIT_ENTRIES),
        labels=case_store.label_counts(), tabs=request.app.state.live.count(),
        **_counted(services.store.database),
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
    try:
        return Letter(row, row.payload[:LARGEST_PAYLOAD].decode())
    except UnicodeDecodeError:
        return Letter(row, None)


def _lag(services: Services) -> int | None:
    try:
        return services.store_lag()
    except StoreUnavailable:
        return None


def _counted(database: Database) -> dict[str, Any]:
    with database.read() as connection:
        newest = select(decisions.c.enrichment).order_by(
            decisions.c.event_time_ms.desc(), decisions.c.decision_id.desc()
        )
        part = newest.limit(NEWEST_DECISIONS).subquery()
        enrichment = connection.execute(select(part.c.enrichment, func.count()).group_by(part.c.enrichment)).all()
        letters = (
            select(dead_letters.c.reason).order_by(dead_letters.c.recorded_ms.desc()).limit(NEWEST_LETTERS).subquery()
        )
        reasons = connection.execute(
            select(letters.c.reason, func.count()).group_by(letters.c.reason).order_by(func.count().desc()).limit(10)
        ).all()
        read = connection.execute(select(positions).order_by(positions.c.source, positions.c.partition).limit(50)).all()
        sent = connection.execute(select(deliveries).order_by(deliveries.c.number.desc()).limit(20)).all()
        return {
            "enrichment": [tuple(row) for row in enrichment], "reasons": [tuple(row) for row in reasons],
            "positions": read, "deliveries": sent, "alerts_chart": _alerts_a_day(connection),
            "alert_days": _days(connection),
        }  # fmt: skip


def _days(connection: Connection) -> list[tuple[int, int]]:
    """(first ms of the day in UTC, alerts) of the last days up to the newest alert."""
    columns = cases.c
    is_case = columns.state.in_(("open", "closed"))
    newest = connection.execute(select(func.max(columns.event_time_ms)).where(is_case)).scalar()
    if newest is None:
        return []
    last_day = int(newest) // DAY_MS
    first_day = last_day - CHART_DAYS + 1
    day = (columns.event_time_ms - columns.event_time_ms % DAY_MS).label("day")
    rows = connection.execute(
        select(day, func.count()).where(is_case, columns.event_time_ms >= first_day * DAY_MS).group_by(day)
    )
    found = {int(row[0]): int(row[1]) for row in rows}
    return [(one * DAY_MS, found.get(one * DAY_MS, 0)) for one in range(first_day, last_day + 1)]


def _alerts_a_day(connection: Connection) -> str:
    """What uPlot draws, as JSON."""
    days = _days(connection)
    return msgspec.json.encode(
        {"label": "", "times": [time_ms // 1000 for time_ms, _ in days], "values": [count for _, count in days]}
    ).decode()
