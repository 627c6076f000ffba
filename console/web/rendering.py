"""Pages from templates, with the headers that hold for all of them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import Response

from console.api.problems import Problem
from console.web import formats
from console.web.texts import Texts

FOLDER = Path(__file__).parent
STATIC = FOLDER / "static"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
TEXTS = Texts()


def render(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """A page, or a part of one."""
    visitor = request.scope.get("visitor")
    body = _environment().get_template(template).render(
        visitor=visitor, csrf="" if visitor is None else visitor.csrf, path=request.url.path,
        needs_sign_in=request.app.state.desk.needs_sign_in, now_ms=request.app.state.services.now_ms(),
        provider=_provider_of(request), **values,
    )  # fmt: skip
    return Response(body, status, media_type="text/html; charset=utf-8", headers=HEADERS)


def _provider_of(request: Request) -> str | None:
    oidc = request.app.state.services.oidc
    return None if oidc is None else oidc.settings.label


def error_page(request: Request, problem: Problem) -> Response:
    """A problem in words. Scripts get the words alone."""
    request_id = request.scope.get("request_id", "")
    if request.headers.get("x-requested-with") == "console" or request.headers.get("hx-request") == "true":
        return Response(problem.detail, problem.status, media_type="text/plain; charset=utf-8", headers=HEADERS)
    answer = render(
        request,
        "error.html",
        problem.status,
        detail=problem.detail,
        request_id=request_id,
        is_signed_out=problem.status == 401,
    )
    for name, value in problem.headers.items():
        answer.headers[name] = value
    return answer


def static_path(name: str) -> str:
    """The address of a static file, with a part that changes with its content."""
    if name not in _versions:
        _versions[name] = sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={_versions[name]}"


_versions: dict[str, str] = {}
_made: list[Environment] = []


def _environment() -> Environment:
    if not _made:
        environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True, auto_reload=False,
        )  # fmt: skip
        environment.globals.update(t=TEXTS, static=static_path)
        environment.filters.update(
            money=formats.money, utc=formats.utc, iso=formats.iso, age=formats.age, number=formats.number,
            percent=formats.percent, day=formats.day, size=formats.size, plain=formats.plain,
        )  # fmt: skip
        _made.append(environment)
    return _made[0]
