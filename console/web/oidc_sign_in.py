"""Signing in with an OpenID Connect provider: to it, and back from it. Whatever is wrong, people see the same page."""

from __future__ import annotations

import structlog
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from console.api.services import Services
from console.oidc.errors import SignInRefused
from console.settings import is_loopback
from console.store.rows import AuditEntry
from console.web.access import SIGN_IN, Desk, PageRoute
from console.web.accounts import AccountError, account_of_provider
from console.web.rendering import HEADERS, render
from console.web.sign_in import begin_session, count_failure, is_allowed, may_begin, own_path

router = APIRouter(route_class=PageRoute)
COOKIE = "fraud_console_oidc"
"""Keeps a sign-in that was begun with the browser that began it."""
LASTS_SECONDS = 600
LONGEST = 4_096
_log = structlog.get_logger()


@router.get("/sign-in/oidc")
def to_provider(request: Request, next: str = "/") -> Response:
    """Begin a sign-in, and go to the provider."""
    services: Services = request.app.state.services
    desk: Desk = request.app.state.desk
    if services.oidc is None or not desk.needs_sign_in:
        return RedirectResponse(SIGN_IN, 303, headers=HEADERS)
    if not may_begin(request):
        return render(request, "sign_in.html", 429, next="/", problem="sign_in.many", name="")
    try:
        begun = services.oidc.begin(own_path(next))
    except SignInRefused as error:
        return _refused(request, str(error))
    answer = RedirectResponse(begun.address, 303, headers=HEADERS)
    answer.set_cookie(
        COOKIE, begun.browser, max_age=LASTS_SECONDS, httponly=True, samesite="lax",
        secure=not is_loopback(services.settings.host), path="/sign-in/oidc",
    )  # fmt: skip
    return answer


@router.get("/sign-in/oidc/callback")
def from_provider(request: Request, code: str = "", state: str = "", error: str = "") -> Response:
    """Take the provider's word, and begin a session; an earlier one of this browser ends."""
    services: Services = request.app.state.services
    desk: Desk = request.app.state.desk
    if services.oidc is None or not desk.needs_sign_in:
        return RedirectResponse(SIGN_IN, 303, headers=HEADERS)
    if not is_allowed(request):
        return render(request, "sign_in.html", 429, next="/", problem="sign_in.many", name="")
    if error or not code or not state or max(len(code), len(state)) > LONGEST:
        return _refused(
            request, f"the provider came back with the error {error[:40]!r}" if error else "code or state is missing"
        )
    try:
        person, target = services.oidc.finish(state, code, request.cookies.get(COOKIE, ""))
        account = account_of_provider(services.store, person, services.now_ms())
    except (SignInRefused, AccountError) as refused:
        return _refused(request, str(refused))
    answer = begin_session(request, account.name, own_path(target))
    answer.delete_cookie(COOKIE, path="/sign-in/oidc")
    return answer


def _refused(request: Request, why: str) -> Response:
    services: Services = request.app.state.services
    count_failure(request)
    _log.warning("sign-in with the provider refused", request_id=request.scope.get("request_id"), why=why)
    entry = AuditEntry(at_ms=services.now_ms(), who="nobody", what="sign-in refused", after={"provider": why[:200]})
    services.store.audit(entry)
    answer = render(request, "sign_in.html", 401, next="/", problem="sign_in.provider_refused", name="")
    answer.delete_cookie(COOKIE, path="/sign-in/oidc")
    return answer
