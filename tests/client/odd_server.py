"""A real HTTP server on loopback that answers as a script says, and remembers what it was asked."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from threading import Lock, Thread
from typing import Any, Self


@dataclass(frozen=True)
class Reply:
    """One answer. `lost_bytes`: announced in Content-Length and never sent; the connection is closed instead."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_seconds: float = 0.0
    lost_bytes: int = 0


class Reset:
    """The connection is reset instead of an answer."""


Step = Reply | Reset


def problem(status: int, detail: str, **headers: str) -> Reply:
    """A problem as the API sends it; `Retry_After` stands for the header Retry-After."""
    body = {"type": "urn:fraud:problem:x", "title": "Title", "status": status, "detail": detail}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(body).encode(), {"Content-Type": "application/problem+json", **named})


@dataclass(frozen=True)
class Asked:
    """One request. `port`: of the client's side, another one for each connection. `at_seconds`: of a monotonic clock."""

    path: str
    headers: Mapping[str, str]
    body: Any
    port: int
    at_seconds: float


class OddServer:
    """Serves one step of the script a request, and the last one again when they are used up."""

    def __init__(self, *script: Step) -> None:
        self.asked: list[Asked] = []
        self._script = list(script)
        self._lock = Lock()
        odd = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                odd._serve(self)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, body: Any) -> Step:
        """The next step of the script."""
        return self._script.pop(0) if len(self._script) > 1 else self._script[0]

    def waits_seconds(self) -> list[float]:
        """Times between the requests."""
        times = [asked.at_seconds for asked in self.asked]
        return [later - earlier for earlier, later in pairwise(times)]

    def _serve(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in handler.headers.items()}
        with self._lock:
            port = handler.client_address[1]
            self.asked.append(Asked(handler.path, headers, json.loads(body), port, time.monotonic()))
            step = self.answer(handler.path, self.asked[-1].body)
        if isinstance(step, Reset):
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
            handler.close_connection = True
            return
        time.sleep(step.delay_seconds)
        handler.send_response(step.status)
        for name, value in ({"Content-Type": "application/json"} | dict(step.headers)).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(step.body) + step.lost_bytes))
        handler.end_headers()
        with suppress(ConnectionError):  # a client that no longer waits
            handler.wfile.write(step.body)
        if step.lost_bytes:
            handler.close_connection = True
