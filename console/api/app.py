"""Puts the API together."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException

from console.api import aliases, decisions, erasures, events, health, proposals, reading
from console.api.deadline import DecisionDeadline
from console.api.documents import components, with_examples
from console.api.envelope import Envelope
from console.api.filling import Filling
from console.api.gate import Gate
from console.api.problems import of_http_status, of_invalid_parameters
from console.api.services import Services
from console.web.app import add_pages

TITLE = "Streaming fraud detector"
DESCRIPTION = """
Decides payments, and finds decisions again. Events are those of docs/events.md; every error is a problem (RFC 9457) whose
`detail` says what to change. Keys are sent as `Authorization: Bearer KEY` or `X-API-Key: KEY`; none is needed on the
machine itself by default.
"""
VERSION = "1"
ROUTED = (decisions, events, aliases, reading, proposals, erasures, health)
"""Modules with routes."""


def create_app(services: Services) -> FastAPI:
    """The application over these services. It closes none of them."""
    app = FastAPI(
        title=TITLE, version=VERSION, description=DESCRIPTION, openapi_url="/openapi.json", docs_url=None, redoc_url=None,
        redirect_slashes=False,
    )  # fmt: skip
    metrics, settings = services.metrics, services.settings
    app.state.services = services
    app.state.gate = Gate(services)
    app.state.filling = Filling(services.store, services.now_ms, services.store_lag)
    if services.answers is not None:
        app.state.deadline = DecisionDeadline(
            services.answers,
            settings.deadline_ms / 1000,
            settings.fallback,
            on_fallback=lambda fallback: metrics.fallbacks.labels(fallback).inc(),
            on_late=metrics.late_answers.inc,
        )
    for module in ROUTED:
        app.include_router(module.router)
    app.add_exception_handler(HTTPException, _http_problem)
    app.add_exception_handler(RequestValidationError, _parameter_problem)
    app.add_middleware(Envelope, services=services)
    add_pages(app, services)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


async def _http_problem(request: Request, error: Exception) -> Any:
    assert isinstance(error, HTTPException)
    raise of_http_status(error.status_code, str(error.detail), error.headers)


async def _parameter_problem(request: Request, error: Exception) -> Any:
    assert isinstance(error, RequestValidationError)
    raise of_invalid_parameters(error.errors())


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, made at the first request for it."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        document: dict[str, Any] = with_examples(made)
        parts = document.setdefault("components", {})
        parts.setdefault("schemas", {}).update(components())
        parts["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        }
        document["security"] = [{}, {"bearer": []}, {"key": []}]
        app.openapi_schema = document
    return app.openapi_schema
