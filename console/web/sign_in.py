"""Signing in and out."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.responses import RedirectResponse, Response

from console.api.services import Services
from console.settings import is_loopback
from console.store.rows import AuditEntry
from console.web.access import SIGN_IN, Desk, PageRoute, form_of, visitor_of
from console.web.accounts import authenticated
from console.web.rendering import HEADERS, render
from console.web.sessions import COOKIE, LONGEST_MS

router = APIRouter(route_class=PageRoute)
_tries = SlidingWindowCounterRateLimiter(MemoryStorage())
_A_NAME, _AN_ADDRESS = RateLimitItemPerMinute(10), RateLimitItemPerMinute(50)
_BEGUN = RateLimitItemPerMinute(600)
"""Of an address, by a provider: what is begun takes room until it is over."""


@router.get("/sign-in")
def sign_in_page(request: Request, next: str = "/") -> Response:
    """The form; those who need no sign-in, or have signed in, go on."""
    desk: Desk = request.app.state.desk
    if not desk.needs_sign_in or desk.visitor_of(request) is not None:
        return RedirectResponse(own_path(next), 303, headers=HEADERS)
    return render(request, "sign_in.html", next=own_path(next), problem=None, name="")


@router.post("/sign-in")
def sign_in(request: Request) -> Response:
    """Check name and password, and begin a session; an earlier one of this browser ends."""
    services: Services = request.app.state.services
    desk: Desk = request.app.state.desk
    form = form_of(request)
    name, password = _first(form, "name"), _first(form, "password")
    target = own_path(_first(form, "next"))
    if not desk.needs_sign_in:
        return RedirectResponse(target, 303, headers=HEADERS)
    if not (_tries.hit(_A_NAME, services.store.database.name, name) and is_allowed(request)):
        return render(request, "sign_in.html", 429, next=target, problem="sign_in.many", name=name)
    account = authenticated(services.store.database, name, password)
    now_ms = services.now_ms()
    if account is None:
        count_failure(request)
        services.store.audit(AuditEntry(at_ms=now_ms, who=name[:64] or "nobody", what="sign-in refused"))
        return render(request, "sign_in.html", 401, next=target, problem="sign_in.wrong", name=name)
    return begin_session(request, account.name, target)


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End the session."""
    desk: Desk = request.app.state.desk
    visitor = visitor_of(request)
    if visitor.session_hash is not None:
        desk.sessions.end(visitor.session_hash)
    answer = RedirectResponse(SIGN_IN, 303, headers={**HEADERS, "Clear-Site-Data": '"cache"'})
    answer.delete_cookie(COOKIE, path="/")
    return answer


def begin_session(request: Request, name: str, target: str) -> Response:
    """Sign a person in and go to a page of this console; an earlier sign-in of this browser ends."""
    services: Services = request.app.state.services
    desk: Desk = request.app.state.desk
    earlier = desk.visitor_of(request)
    if earlier is not None and earlier.session_hash is not None:
        desk.sessions.end(earlier.session_hash)
    services.store.audit(AuditEntry(at_ms=services.now_ms(), who=name, what="signed in"))
    answer = RedirectResponse(target, 303, headers=HEADERS)
    answer.set_cookie(
        COOKIE, desk.sessions.begin(name), max_age=LONGEST_MS // 1000, httponly=True, samesite="lax",
        secure=not is_loopback(services.settings.host), path="/",
    )  # fmt: skip
    return answer


def is_allowed(request: Request) -> bool:
    """Whether a try from this address is within its limit of failures: behind a proxy all people have one address."""
    return _tries.test(_AN_ADDRESS, "from", _address_of(request))


def may_begin(request: Request) -> bool:
    """Whether one more sign-in by a provider may begin from this address."""
    return is_allowed(request) and _tries.hit(_BEGUN, "begun from", _address_of(request))


def count_failure(request: Request) -> None:
    _tries.hit(_AN_ADDRESS, "from", _address_of(request))


def _address_of(request: Request) -> str:
    return "" if request.client is None else request.client.host


def own_path(address: str) -> str:
    """A path of this console; `/` for addresses of others."""
    parts = urlsplit(address)
    is_own = address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return address if is_own and address.isprintable() else "/"


def _first(form: dict[str, list[str]], name: str) -> str:
    return form.get(name, [""])[0]
