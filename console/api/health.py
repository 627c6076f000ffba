"""Whether the process lives, whether it can answer, and its metrics."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import PlainTextResponse, Response

from console.api.access import GuardedRoute
from console.api.documents import answered, problem_responses
from console.api.services import Services
from console.api.shapes import json_response
from console.store.errors import StoreUnavailable

router = APIRouter(route_class=GuardedRoute, tags=["health"])
RETRY_AFTER_SECONDS = 2


class Liveness(msgspec.Struct, frozen=True):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether requests would be served. `answers`: "none" where this console only reads. `store_lag_records`: records that
    were answered and are not in the store yet; null where that is not known now, or another process writes the store.
    `reply_lag_seconds`: how far the job's replies are behind; null without a job that replies."""

    ready: bool
    answers: Literal["ready", "not_ready", "none"]
    store: Literal["ready", "not_ready"]
    store_lag_records: int | None
    reply_lag_seconds: float | None = None


_READY = Readiness(ready=True, answers="ready", store="ready", store_lag_records=0)
_NOT_READY = Readiness(ready=False, answers="not_ready", store="ready", store_lag_records=0)
_READYZ = answered(Readiness, msgspec.to_builtins(_READY), "Requests are served.")
_UNREADY = answered(Readiness, msgspec.to_builtins(_NOT_READY), "")["responses"][200]["content"]
_READYZ["responses"][503]["content"] = _READYZ["responses"][503]["content"] | _UNREADY


@router.get("/livez", **answered(Liveness, {"status": "alive"}, "The process answers."))
async def livez() -> Response:
    """Liveness: restart the process if this fails."""
    return json_response(Liveness())


@router.get("/readyz", **_READYZ)
def readyz(request: Request) -> Response:
    """Readiness: send requests to this process only while this is 200."""
    services: Services = request.app.state.services
    answers, lag_records = services.answers, None
    try:
        services.store.ping()
        lag_records = services.store_lag()
        store_is_ready = True
    except StoreUnavailable:
        store_is_ready = False
    reply_lag_seconds = services.reply_lag_seconds()
    answers_are_ready = answers is None or answers.is_ready()
    body = Readiness(
        ready=answers_are_ready and store_is_ready,
        answers="none" if answers is None else "ready" if answers_are_ready else "not_ready",
        store="ready" if store_is_ready else "not_ready",
        store_lag_records=lag_records,
        reply_lag_seconds=None if reply_lag_seconds is None else round(reply_lag_seconds, 3),
    )
    response = json_response(body, 200 if body.ready else 503)
    if not body.ready:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"description": "Metrics in Prometheus' text format.", "content": {"text/plain": {}}}
}


@router.get(
    "/metrics",
    response_model=None,
    response_class=PlainTextResponse,
    responses=_TEXT | problem_responses(401, 403, 405, 408, 421, 429, 503),
)
def metrics(request: Request) -> Response:
    """Requests, latency, fallbacks and the store's writes, for Prometheus."""
    services: Services = request.app.state.services
    try:
        store_lag = services.store_lag()
    except StoreUnavailable:  # the counters are told nevertheless
        store_lag = None
    services.metrics.set_lags(store_lag, services.reply_lag_seconds())
    return Response(services.metrics.text(), media_type=CONTENT_TYPE_LATEST)
