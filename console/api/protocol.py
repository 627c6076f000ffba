"""Connections of the server: clients that send no request in time are cut, and too many at a time are turned away."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from console.api.problems import MEDIA_TYPE, Problem
from console.settings import ApiSettings

_UNREADABLE = Problem(400, "not-http", "the request is not HTTP/1.1 that can be read; check its first line and headers")
_SLOW_HEAD = Problem(408, "slow-head", "the head of the request came too slowly; send it again")
_CROWDED = Problem(503, "unavailable", "too many connections are open; keep fewer, or try again", {"Retry-After": "1"})
_LARGE_HEAD = Problem(431, "large-head", "the head of the request is larger than 64 KiB; send fewer or shorter headers")
_REASONS = {
    400: b"Bad Request",
    408: b"Request Timeout",
    431: b"Request Header Fields Too Large",
    503: b"Service Unavailable",
}
MOST_HEAD_BYTES = 64 * 1024


def protocol_of(settings: ApiSettings) -> type[asyncio.Protocol]:
    """The class that uvicorn makes of each connection."""

    class GuardedProtocol(HttpToolsProtocol):
        """HTTP/1.1 with limits on what comes before a request is known."""

        head_timer: asyncio.TimerHandle | None = None
        head_bytes = 0

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > settings.most_connections:
                self._refuse(_CROWDED)
            else:
                self._wait_for_head()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._stop_waiting()
                return
            self.head_bytes += len(data)
            if self.head_bytes > MOST_HEAD_BYTES:
                self._refuse(_LARGE_HEAD)
            else:
                self._wait_for_head()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop_waiting()
            super().connection_lost(exc)

        def send_400_response(self, msg: str) -> None:
            self._refuse(_UNREADABLE)

        def _wait_for_head(self) -> None:
            """Only the first bytes of a head start the timer: bytes that drip in do not."""
            if self.head_timer is None and not self.transport.is_closing():
                self.head_timer = self.loop.call_later(settings.head_seconds, self._head_is_late)

        def _head_is_late(self) -> None:
            if self.head_bytes:
                self._refuse(_SLOW_HEAD)
            else:  # nobody waits for an answer
                self.transport.close()

        def _stop_waiting(self) -> None:
            self.head_bytes = 0
            if self.head_timer is not None:
                self.head_timer.cancel()
                self.head_timer = None

        def _refuse(self, problem: Problem) -> None:
            self._stop_waiting()
            if not self.transport.is_closing():
                self.transport.write(_written(problem))
                self.transport.close()

    return GuardedProtocol


def _written(problem: Problem) -> bytes:
    body = msgspec.json.encode(problem.body())
    headers = {"Content-Type": MEDIA_TYPE, "Content-Length": str(len(body)), "Connection": "close", **problem.headers}
    lines = [b"HTTP/1.1 %d %s" % (problem.status, _REASONS[problem.status])]
    lines += [f"{name}: {value}".encode() for name, value in headers.items()]
    return b"\r\n".join([*lines, b"", body])
