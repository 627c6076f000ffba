"""Who may see and do what on the pages: the table of pages and roles, and the route that looks into it."""

from __future__ import annotations

import asyncio
import hmac
from typing import Any
from urllib.parse import parse_qsl, quote

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from console.api.bodies import read_body
from console.api.problems import EXPECTED_ERRORS, Problem, problem_of
from console.api.services import Services
from console.cases.rows import CaseError, NoSuchCase
from console.store.alert_cases import storable
from console.store.rows import Role
from console.web.rendering import TEXTS, error_page
from console.web.sessions import COOKIE, Sessions, Visitor

_READS: frozenset[Role] = frozenset({"viewer", "analyst", "admin"})
_WORKS: frozenset[Role] = frozenset({"analyst", "admin"})
_ADMIN: frozenset[Role] = frozenset({"admin"})
_OPEN = None

PAGES: dict[tuple[str, str], frozenset[Role] | None] = {
    ("GET", "/sign-in"): _OPEN,
    ("POST", "/sign-in"): _OPEN,
    ("GET", "/sign-in/oidc"): _OPEN,
    ("GET", "/sign-in/oidc/callback"): _OPEN,
    ("POST", "/sign-out"): _READS,
    ("GET", "/static/{path:path}"): _OPEN,
    ("GET", "/"): _READS,
    ("GET", "/live"): _READS,
    ("GET", "/signed-in"): _READS,
    ("GET", "/queue/rows"): _READS,
    ("POST", "/queue/next"): _WORKS,
    ("POST", "/cases/outcome"): _WORKS,
    ("POST", "/cases/undo"): _WORKS,
    ("POST", "/cases/assign"): _WORKS,
    ("POST", "/cases/due"): _WORKS,
    ("POST", "/cases/claim"): _WORKS,
    ("POST", "/cases/release"): _WORKS,
    ("POST", "/views"): _READS,
    ("POST", "/views/delete"): _READS,
    ("GET", "/queue.csv"): _READS,
    ("GET", "/alerts/{decision_id}"): _READS,
    ("POST", "/alerts/{decision_id}/notes"): _WORKS,
    ("GET", "/alerts/{decision_id}/journal"): _READS,
    ("POST", "/alerts/{decision_id}/replay"): _WORKS,
    ("POST", "/alerts/{decision_id}/snooze"): _WORKS,
    ("POST", "/snoozes/end"): _WORKS,
    ("POST", "/alerts/{decision_id}/files"): _WORKS,
    ("GET", "/alerts/{decision_id}/files/{file_id}"): _READS,
    ("POST", "/alerts/{decision_id}/files/{file_id}/remove"): _WORKS,
    ("GET", "/alerts/{decision_id}/export.json"): _READS,
    ("GET", "/alerts/{decision_id}/export.pdf"): _READS,
    ("GET", "/block-list"): _READS,
    ("POST", "/block-list"): _WORKS,
    ("GET", "/parties/{kind}/{value:path}"): _READS,
    ("GET", "/erasures/held"): _ADMIN,
    ("POST", "/erasures"): _ADMIN,
    ("GET", "/rules"): _READS,
    ("GET", "/rules/{rule_id}"): _READS,
    ("GET", "/rules-editor"): _READS,
    ("GET", "/rules-completions"): _READS,
    ("POST", "/rules-check"): _READS,
    ("POST", "/rules-changes"): _READS,
    ("POST", "/rules-previews"): _WORKS,
    ("GET", "/rules-previews/{number}"): _READS,
    ("POST", "/rules-previews/{number}/cancel"): _WORKS,
    ("POST", "/rules/{rule_id}/standing"): _WORKS,
    ("GET", "/rules-proposals"): _READS,
    ("POST", "/rules-proposals"): _WORKS,
    ("GET", "/rules-proposals/{proposal_id}"): _READS,
    ("GET", "/rules-proposals/{proposal_id}/edit"): _WORKS,
    ("POST", "/rules-proposals/{proposal_id}/approve"): _WORKS,
    ("POST", "/rules-proposals/{proposal_id}/publish"): _WORKS,
    ("GET", "/rules-history"): _READS,
    ("GET", "/rules-lists"): _READS,
    ("POST", "/rules-lists"): _WORKS,
    ("GET", "/rules-lists/{name}"): _READS,
    ("POST", "/rules-lists/{name}/add"): _WORKS,
    ("POST", "/rules-lists/{name}/remove"): _WORKS,
    ("POST", "/rules-lists/{name}/dry-run"): _WORKS,
    ("POST", "/rules-lists/{name}/import"): _WORKS,
    ("POST", "/rules-lists/{name}/delete"): _WORKS,
    ("GET", "/models"): _READS,
    ("GET", "/system"): _READS,
    ("POST", "/system/dead-letters/send"): _ADMIN,
    ("GET", "/privacy"): _READS,
}
"""Method and path -> roles that may call it; None: nobody needs to sign in. A page that is not listed cannot be made."""

PASSIVE = frozenset(
    {
        "/live", "/signed-in", "/cases/claim", "/cases/release", "/queue/rows", "/alerts/{decision_id}/journal",
        "/rules-previews/{number}",
    }
)  # fmt: skip
"""Paths that pages ask for by themselves: nobody is active by them."""
WITH_FILES = frozenset({"/alerts/{decision_id}/files"})
"""Paths whose bodies are files, which are read only for those who may send them; the token is in the header then."""
CSRF_HEADER, CSRF_FIELD = b"x-csrf-token", "csrf"
LARGEST_FORM = 256 * 1024
LARGEST_TEXT = 4096 * 1024
"""Of forms with a rule file or a list, whose every byte may be escaped by three."""
WITH_TEXTS = frozenset(
    {
        "/rules-proposals", "/rules-check", "/rules-changes", "/rules-previews", "/rules-lists/{name}/dry-run",
        "/rules-lists/{name}/import",
    }
)  # fmt: skip
SIGN_IN = "/sign-in"


class Desk:
    """Knows who looks at pages. Without sign-in it is always `local`, with a token that the store keeps: pages that are open
    go on after a restart."""

    def __init__(self, services: Services) -> None:
        self._needs_sign_in = services.settings.needs_keys
        self.sessions = Sessions(services.store.database, services.now_ms)
        self._local = None if self._needs_sign_in else Visitor("local", "admin", self.sessions.local_csrf(), None)

    @property
    def needs_sign_in(self) -> bool:
        return self._needs_sign_in

    def visitor_of(self, request: Request, is_activity: bool = True) -> Visitor | None:
        """Blocks while it asks the store. Raises StoreUnavailable."""
        if self._local is not None:
            return self._local
        token = request.cookies.get(COOKIE)
        return None if token is None else self.sessions.find(token, is_activity)


class PageRoute(APIRoute):
    """A page that is served only to visitors with a role of PAGES; what changes something needs their token as well."""

    def __init__(self, path: str, *arguments: Any, **options: Any) -> None:
        """Raises KeyError for a page without a line in PAGES."""
        super().__init__(path, *arguments, include_in_schema=False, **_without(options, "include_in_schema"))
        self._roles = {method: PAGES[method, path] for method in self.methods or ()}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route_template"] = self.path_format
        request = Request(scope, receive)
        try:
            refused = await self._let_in(request)
            if refused is None:
                await super().handle(scope, receive, send)
                return
            answer = refused
        except CaseError as error:
            answer = error_page(request, Problem(404 if isinstance(error, NoSuchCase) else 409, "case", str(error)))
        except EXPECTED_ERRORS as error:
            answer = error_page(request, problem_of(error))
        await answer(scope, receive, send)

    async def _let_in(self, request: Request) -> Response | None:
        """What is answered instead of the page; None to serve it. Raises Problem."""
        method = request.method
        if method not in self._roles:
            raise Problem(405, "wrong-method", "this page does not take this method")
        roles = self._roles[method]
        if roles is None:
            if method == "POST":
                request.scope["form"] = await self._form(request)
            return None
        desk: Desk = request.app.state.desk
        visitor = await asyncio.to_thread(desk.visitor_of, request, self.path_format not in PASSIVE)
        if visitor is None:
            return _to_sign_in(request)
        request.scope["visitor"] = visitor
        request.scope["caller"] = visitor
        if method == "POST":
            request.scope["form"] = await self._form(request)
            if not _has_token(request, visitor):
                raise Problem(403, "no-token", "this form is too old, or came from another site; load the page again")
        if visitor.role not in roles:
            raise Problem(403, "role-not-allowed", f"you are a {visitor.role}; this needs {' or '.join(sorted(roles))}")
        return None

    async def _form(self, request: Request) -> dict[str, list[str]]:
        """Raises Problem."""
        if self.path_format in WITH_FILES:
            return {}
        return await _form_of(request, LARGEST_TEXT if self.path_format in WITH_TEXTS else LARGEST_FORM)


def visitor_of(request: Request) -> Visitor:
    """Who looks at this page."""
    visitor: Visitor = request.scope["visitor"]
    return visitor


def form_of(request: Request) -> dict[str, list[str]]:
    """The fields of the form that was sent."""
    form: dict[str, list[str]] = request.scope["form"]
    return form


def _has_token(request: Request, visitor: Visitor) -> bool:
    sent = [value.decode("latin-1") for name, value in request.scope["headers"] if name == CSRF_HEADER]
    sent += form_of(request).get(CSRF_FIELD, [])
    return any(hmac.compare_digest(one.encode(), visitor.csrf.encode()) for one in sent)


async def _form_of(request: Request, largest: int) -> dict[str, list[str]]:
    """Raises Problem for what is no form, too large or too slow."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Problem(415, "no-form", "send a form (application/x-www-form-urlencoded)")
    services: Services = request.app.state.services
    body = await read_body(request, largest, services.settings.body_seconds)
    fields: dict[str, list[str]] = {}
    try:
        for name, value in parse_qsl(
            body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=20_000
        ):
            fields.setdefault(name, []).append(storable(value))
    except ValueError:
        raise Problem(422, "no-form", "the form cannot be read; load the page again") from None
    return fields


def _to_sign_in(request: Request) -> Response:
    is_script = request.headers.get("hx-request") == "true" or request.headers.get("x-requested-with") == "console"
    if is_script or request.url.path == "/live":
        return Response(status_code=401, headers={"HX-Redirect": SIGN_IN})
    if request.method != "GET":
        raise Problem(401, "signed-out", TEXTS("error.signed_out"), {"HX-Redirect": SIGN_IN})
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{SIGN_IN}?next={quote(request.url.path + query)}", 303)


def _without(options: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in options.items() if key != name}
