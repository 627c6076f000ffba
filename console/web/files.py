"""Files of an alert's case: adding, downloading and removing. A file is never shown as a page, only saved."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.api.bodies import read_body
from console.api.problems import Problem
from console.api.services import Services
from console.cases.attachments import LARGEST_BYTES, Attachment, FileTooLarge, WrongFileType
from console.cases.case_store import CaseStore
from console.cases.rows import CaseRow
from console.store.alert_cases import storable
from console.store.rows import AuditEntry
from console.web.access import PageRoute, visitor_of
from console.web.rendering import render

router = APIRouter(route_class=PageRoute)
UPLOAD_SECONDS = 20.0
"""Within which a file must have come: below the limit of a request."""
UPLOADS_AT_ONCE = 4
"""Each is in memory until it is in the store; others wait."""
LONGEST_GIVEN_NAME = 1_000
SAVED_ONLY = {
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@router.post("/alerts/{decision_id}/files")
async def add_file(request: Request, decision_id: str, name: str = "") -> Response:
    """Add the body as a file of this name; gives the panel. Raises Problem."""
    cases, who = _cases(request), visitor_of(request).name
    case = await asyncio.to_thread(cases.case, decision_id)
    if request.headers.get("content-type", "").strip().lower() != "application/octet-stream":
        raise Problem(415, "no-file", "send the file as it is (application/octet-stream)")
    async with request.app.state.uploads:
        content = await read_body(request, LARGEST_BYTES, UPLOAD_SECONDS)
        try:
            made = await asyncio.to_thread(
                cases.add_file, case.case_id, storable(name[:LONGEST_GIVEN_NAME]), content, who
            )
        except WrongFileType as error:
            raise Problem(415, "file-type", str(error)) from None
        except FileTooLarge as error:
            raise Problem(413, "file-size", str(error)) from None
    await asyncio.to_thread(_audit, request, "file added", case, made)
    return await asyncio.to_thread(_panel, request, case)


@router.get("/alerts/{decision_id}/files/{file_id}")
def download_file(request: Request, decision_id: str, file_id: str) -> Response:
    """A file to be saved. Raises Problem for a file of another case."""
    cases = _cases(request)
    case = cases.case(decision_id)
    file, content = cases.download(case.case_id, _number(file_id))
    _audit(request, "file downloaded", case, file)
    headers = {**SAVED_ONLY, "Content-Disposition": _disposition(file.name)}
    return Response(content, media_type=file.content_type, headers=headers)


@router.post("/alerts/{decision_id}/files/{file_id}/remove")
def remove_file(request: Request, decision_id: str, file_id: str) -> Response:
    """Remove a file; gives the panel. Raises Problem for a file of another case."""
    cases = _cases(request)
    case = cases.case(decision_id)
    gone = cases.remove_file(case.case_id, _number(file_id), visitor_of(request).name)
    _audit(request, "file removed", case, gone)
    return _panel(request, case)


def _panel(request: Request, case: CaseRow) -> Response:
    return render(request, "files.html", case=case, files=_cases(request).files(case.case_id))


def _audit(request: Request, what: str, case: CaseRow, file: Attachment) -> None:
    services: Services = request.app.state.services
    services.store.audit(
        AuditEntry(
            at_ms=services.now_ms(), who=visitor_of(request).name, what=what, subject=case.decision_id,
            user_id=case.user_id, after={"file": file.name, "bytes": file.size_bytes, "sha256": file.sha256},
        )
    )  # fmt: skip


def _disposition(name: str) -> str:
    """To be saved under this name, whatever characters it has."""
    plain = "".join(one if one.isascii() and (one.isalnum() or one in " ._-()") else "_" for one in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _number(file_id: str) -> int:
    if not file_id.isdecimal() or len(file_id) > 18:
        raise Problem(404, "no-such-file", "this case has no such file")
    return int(file_id)


def _cases(request: Request) -> CaseStore:
    cases: CaseStore = request.app.state.cases
    return cases
