"""What holds for every request: its id, host check, time limit, security headers, log line, metrics, and the last resort."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from secrets import token_hex
from time import perf_counter
from typing import Any

import msgspec
import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.api.hosts import HostCheck
from console.api.logs import told_error
from console.api.problems import EXPECTED_ERRORS, INTERNAL, MEDIA_TYPE, Problem, problem_of, unavailable
from console.api.services import Services

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
SLOW_SECONDS = 1.0
STREAMS = frozenset({"/live"})
"""Paths whose answers end when their client goes."""
CLIENT_HAS_GONE = 499
"""Status in log and metrics of a request whose client has closed the connection."""
_KNOWN_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger()


class Envelope:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._metrics = services.metrics
        self._hosts = HostCheck(services.settings)
        self._limit_seconds = services.settings.request_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        request_id = _request_id_of(scope["headers"])
        scope["request_id"] = request_id
        answer = _Answer(send, request_id)
        self._metrics.in_flight.inc()
        try:
            await self._serve(scope, receive, answer)
        finally:
            self._metrics.in_flight.dec()
            self._tell(scope, answer, perf_counter() - started)

    async def _serve(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        try:
            self._hosts.check(scope)
            seconds = None if scope["path"] in STREAMS else self._limit_seconds
            async with asyncio.timeout(seconds) as limit:
                await self._app(scope, receive, answer.send)
        except ClientDisconnect:
            answer.status = CLIENT_HAS_GONE
        except EXPECTED_ERRORS as error:
            await answer.send_problem(problem_of(error))
        except TimeoutError as error:
            if not limit.expired():
                await self._failed(scope, answer, error)
            elif answer.status is not None:
                raise  # the connection is cut, as the answer cannot be finished
            else:
                told = f"no answer within {self._limit_seconds:g} s; send the request again, or ask for less"
                await answer.send_problem(unavailable(told, 1))
        except Exception as error:
            await self._failed(scope, answer, error)

    async def _failed(self, scope: Scope, answer: _Answer, error: Exception) -> None:
        _log.error("request failed", request_id=scope["request_id"], route=_route_of(scope), **told_error(error))
        if answer.status is not None:
            raise error
        await answer.send_problem(INTERNAL)

    def _tell(self, scope: Scope, answer: _Answer, seconds: float) -> None:
        route, status = _route_of(scope), answer.status or 500
        method = scope["method"] if scope["method"] in _KNOWN_METHODS else "other"
        self._metrics.answered(method, route, status, seconds)
        level = (
            "error"
            if status >= 500
            else "warning"
            if seconds > SLOW_SECONDS and scope["path"] not in STREAMS
            else "info"
            if status >= 400
            else "debug"
        )
        caller = scope.get("caller")
        fields: dict[str, Any] = {
            "request_id": scope["request_id"], "method": method, "route": route, "status": status,
            "duration_ms": round(seconds * 1000, 2), "key": None if caller is None else caller.name,
        }  # fmt: skip
        getattr(_log, level)("request", **fields)


class _Answer:
    """The answer that is being sent. `status`: None until it has begun."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.status: int | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            present = {name for name, _ in headers}
            headers += [header for header in SECURITY_HEADERS if header[0] not in present]
            headers.append((b"x-request-id", self._request_id.encode()))
            message = {**message, "headers": headers}
        await self._send(message)

    async def send_problem(self, problem: Problem) -> None:
        body = _encode(problem.body(self._request_id))
        headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
        headers += [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
        await self.send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})


def _request_id_of(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The client's id of the request if it is harmless, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode()
    return token_hex(8)


def _route_of(scope: Scope) -> str:
    """The template of the path: paths hold ids of users."""
    template: str = scope.get("route_template", "unmatched")
    return template
