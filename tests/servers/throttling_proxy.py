"""Proxy to DynamoDB Local that throttles and returns partial responses, as AWS does under load."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Load:
    """How many of the next calls are throttled, and how many of a batch's keys or writes are done at once at most."""

    def __init__(self) -> None:
        self.throttled = 0
        self.at_once: int | None = None
        self.calls: list[str] = []


@contextmanager
def throttling_proxy(port: int) -> Iterator[tuple[str, Load]]:
    """A proxy to the DynamoDB Local on `port`; its address, and the load to set."""
    load = Load()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"].partition(".")[2]
            load.calls.append(operation)
            if load.throttled:
                load.throttled -= 1
                kind = "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
                self._answer(400, {"__type": kind, "message": "slow down"})
                return
            left: dict[str, Any] = {}
            if operation in ("BatchGetItem", "BatchWriteItem") and load.at_once is not None:
                ((table, batch),) = body["RequestItems"].items()
                items = batch["Keys"] if operation == "BatchGetItem" else batch
                done, rest = items[: load.at_once], items[load.at_once :]
                body["RequestItems"] = {table: {"Keys": done} if operation == "BatchGetItem" else done}
                if rest:
                    left = {table: {"Keys": rest} if operation == "BatchGetItem" else rest}
            upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            headers = {
                name: self.headers[name] for name in ("Content-Type", "X-Amz-Target", "X-Amz-Date", "Authorization")
            }
            upstream.request("POST", "/", json.dumps(body), headers)
            response = upstream.getresponse()
            answer = json.loads(response.read())
            if left:
                answer["UnprocessedKeys" if operation == "BatchGetItem" else "UnprocessedItems"] = left
            self._answer(response.status, answer)
            upstream.close()

        def _answer(self, status: int, answer: dict[str, Any]) -> None:
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """The test's output is the test's."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", load
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)
