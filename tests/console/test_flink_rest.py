"""Servers that are no Flink, or have no such job: told in one line. Answers of a real cluster: tests/cluster."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from console.flink_rest import LARGEST_ANSWER, FlinkError, FlinkRest
from tests.cluster.conftest import free_ports


def answering(body: bytes, status: int = 200) -> AbstractContextManager[str]:
    return answering_by(lambda path: body, status)


@contextmanager
def answering_by(body_of: Callable[[str], bytes], status: int = 200) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = body_of(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                return

        def log_message(self, format: str, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"<html>", 200, "no answer of Flink's REST interface"),
        (b'{"jobs": 3}', 200, "no answer of Flink's REST interface"),
        (b"\xff\xff", 200, "no answer of Flink's REST interface"),
        (b"{}", 503, "answers /jobs/overview with 503"),
        (b'{"jobs": []}', 200, "has no job scoring"),
        (b" " * (LARGEST_ANSWER + 1), 200, "too large"),
    ],
)
def test_an_answer_that_is_not_flinks_is_told(body: bytes, status: int, told: str) -> None:
    with answering(body, status) as address:
        rest = FlinkRest(address, "scoring")
        with pytest.raises(FlinkError, match=told) as failure:
            rest.read()
        rest.close()
    assert "\n" not in str(failure.value)


def test_an_address_where_nobody_listens_is_told() -> None:
    (port,) = free_ports(1)
    rest = FlinkRest(f"http://127.0.0.1:{port}", "scoring")
    with pytest.raises(FlinkError, match=f"127.0.0.1:{port} does not answer"):
        rest.read()
    rest.close()


@pytest.mark.parametrize("address", ["8081", "jobmanager:8081", "ftp://jobmanager:8081", "http://"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(FlinkError, match="give the address of Flink's REST interface"):
        FlinkRest(address, "scoring")


def test_metrics_that_a_young_operator_has_later_are_told() -> None:
    """Flink's listing has the percentiles of a histogram one after the other."""
    values = {"0.scorer.fraud.transactions": 7.0, "0.scorer.fraud.arrival_lag_ms_p99": 9.0}

    def body_of(path: str) -> bytes:
        resource, _, wanted = path.partition("?get=")
        answers: dict[str, object] = {
            "/jobs/overview": {"jobs": [{"jid": "j", "name": "scoring", "state": "RUNNING"}]},
            "/jobs/j/metrics": [{"id": "numRestarts", "value": "2"}],
            "/jobs/j/checkpoints": {"counts": {"completed": 0, "failed": 0, "in_progress": 0}, "latest": {}},
            "/jobs/j": {"vertices": [{"id": "v"}]},
            "/jobs/j/vertices/v/subtasks/metrics": [
                {"id": name, "sum": value, "max": value}
                for name, value in values.items()
                if not wanted or name in wanted.split(",")
            ],
        }
        return json.dumps(answers[resource]).encode()

    with answering_by(body_of) as address:
        rest = FlinkRest(address, "scoring")
        told = rest.read()
        assert (told.transactions, told.restarts) == (7, 2)
        assert (told.arrival_lag_p50_ms, told.arrival_lag_p99_ms) == (None, 9.0)
        values["0.scorer.fraud.arrival_lag_ms_median"] = 4.0
        told = rest.read()
        assert (told.arrival_lag_p50_ms, told.arrival_lag_p99_ms) == (4.0, 9.0)
        rest.close()
