"""What hostile or broken clients send gets a problem that says what to change, and harms nobody."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.console.api.serving import START_MS, Serving, payment, serving, stored

JSON = {"Content-Type": "application/json"}
POSTS = ("/v1/decisions", "/v1/decisions:batch", "/v1/events", "/api/check-fraud", "/predict")
EVENT = {"transaction_id": "H1", "user_id": "H", "timestamp": START_MS, "amount": 1.0}


def is_problem(answer: httpx.Response) -> bool:
    body = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == answer.status_code
    assert body["type"].startswith("urn:fraud:problem:")
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return True


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "space": b"   ",
    "no JSON": b"{",
    "two values": b"{}{}",
    "a number": b"1e999",
    "null": b"null",
    "deep array": b"[" * 50_000,
    "deep closed array": b"[" * 20_000 + b"]" * 20_000,
    "deep object": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "deep in a field": json.dumps(EVENT)[:-1].encode() + b', "attributes": ' + b"[" * 9_000 + b"]" * 9_000 + b"}",
    "NaN amount": b'{"transaction_id": "H2", "user_id": "H", "timestamp": 1767614400000, "amount": NaN}',
    "infinite amount": b'{"transaction_id": "H2", "user_id": "H", "timestamp": 1767614400000, "amount": Infinity}',
    "huge amount": b'{"transaction_id": "H2", "user_id": "H", "timestamp": 1767614400000, "amount": 1e308}',
    "huge number": b'{"transaction_id": "H2", "user_id": "H", "timestamp": 1' + b"0" * 5_000 + b', "amount": 1}',
    "invalid UTF-8": b'{"transaction_id": "H\xff", "user_id": "H", "timestamp": 1767614400000, "amount": 1}',
    "half a surrogate": b'{"transaction_id": "\\ud800", "user_id": "H", "timestamp": 1767614400000, "amount": 1}',
    "NUL in an id": b'{"transaction_id": "H\\u0000", "user_id": "H", "timestamp": 1767614400000, "amount": 1}',
    "UTF-16": json.dumps(EVENT).encode("utf-16"),
    "unknown type": b'{"type": "wire", "user_id": "H"}',
    "type is an object": b'{"type": {}, "user_id": "H"}',
    "repeated type": b'{"type": "login", "type": "transaction", "user_id": "H"}',
}


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("name", BODIES)
def test_a_broken_body_is_a_problem(client: httpx.Client, path: str, name: str) -> None:
    answer = client.post(path, content=BODIES[name], headers=JSON)
    assert answer.status_code == 422
    assert is_problem(answer)
    assert len(answer.content) < 2_000


@pytest.mark.parametrize("path", POSTS)
def test_a_large_body_is_refused_however_it_comes(client: httpx.Client, path: str) -> None:
    size = 5_000_000 if path.endswith("batch") else 1_000_000
    for content in (b" " * size, (b" " * 100_000 for _ in range(size // 100_000))):
        answer = client.post(path, content=content, headers=JSON)
        assert answer.status_code == 413
        assert is_problem(answer)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_another_content_type_is_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    for path in POSTS:
        answer = client.post(path, content=json.dumps(EVENT).encode(), headers=headers)
        assert answer.status_code == 415
        assert is_problem(answer)


def test_unknown_paths_and_methods_are_problems(client: httpx.Client) -> None:
    for path in (
        "/nowhere",
        "/v1",
        "/v1/decisions/",
        "/v2/decisions",
        "/../etc/passwd",
        "/docs",
        "/v1/users//timeline",
    ):
        answer = client.get(path)
        assert answer.status_code in (404, 422), path
        assert is_problem(answer)
    for method, path, allowed in (
        ("DELETE", "/v1/decisions", "GET, POST"),
        ("GET", "/predict", "POST"),
        ("PUT", "/livez", "GET"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ):
        answer = client.request(method, path)
        assert (answer.status_code, sorted(answer.headers["allow"].split(", "))) == (405, allowed.split(", "))
        assert is_problem(answer)


SCRIPT = "<script>alert(1)</script>"
SQL = "x'OR'1'='1"


def test_script_and_sql_in_values_come_back_as_they_are(client: httpx.Client) -> None:
    user = f"{SQL};--{SCRIPT}"[:64]
    event = payment(user_id=user, merchant_id=SQL, city=f"'; DROP TABLE decisions; --{SCRIPT}")
    body = client.post("/v1/decisions", json=event).json()
    assert (body["user_id"], body["merchant_id"]) == (user, SQL)
    found = stored(client, body["decision_id"])
    assert found["user_id"] == user
    listed = client.get("/v1/decisions", params={"user_id": user}).json()["items"]
    assert [one["decision_id"] for one in listed] == [body["decision_id"]]
    timeline = client.get(f"/v1/users/{quote(user, safe='')}/timeline")
    assert [item["item_id"] for item in timeline.json()["items"] if item["kind"] == "decision"] == [body["decision_id"]]
    answer = client.get("/v1/decisions", params={"user_id": user})
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "query",
    [
        {"user": "U1"}, {"limit": "0"}, {"limit": "501"}, {"limit": "x"}, {"cursor": "nonsense"}, {"cursor": "\x00"},
        {"user_id": "a b"}, {"user_id": "x" * 65}, {"text": "a\x00b"}, {"text": ""}, {"from_ms": "-1"},
        {"from_ms": "9" * 30}, {"min_score": "1001"}, {"action": "' OR 1=1"}, {"flag": "aml"}, {"tag": "%"},
        {"rule": "\u2603"}, {"cursor": "eyJhIjoxfQ"}, {"cursor": "x" * 501},
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_named(client: httpx.Client, query: dict[str, str]) -> None:
    answer = client.get("/v1/decisions", params=query)
    assert answer.status_code == 422
    assert is_problem(answer)
    assert next(iter(query)) in answer.json()["detail"]


@pytest.mark.parametrize(
    "text", ["%", "_", '"', "'", "a OR b", "NEAR(", "*", "-x", "^", "(", ":", "\\", "\U0001f600", SCRIPT]
)
def test_any_text_can_be_searched(client: httpx.Client, text: str) -> None:
    assert client.get("/v1/decisions", params={"text": text}).status_code == 200


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    with serving(
        tmp_path_factory.mktemp("impatient"), head_seconds=0.5, body_seconds=0.5, most_connections=20
    ) as running:
        yield running


def connected(running: Serving) -> socket.socket:
    host, port = running.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def received(connection: socket.socket) -> bytes:
    data = b""
    while part := connection.recv(65_536):
        data += part
    return data


def test_a_client_that_sends_its_head_slowly_is_cut(impatient: Serving) -> None:
    with connected(impatient) as connection:
        started = time.monotonic()
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: ")
        answer = received(connection)
        assert 0.3 < time.monotonic() - started < 5
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"urn:fraud:problem:slow-head" in answer


def test_a_client_that_drips_its_head_is_cut(impatient: Serving) -> None:
    with connected(impatient) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        started = time.monotonic()
        with pytest.raises(OSError):  # noqa: PT011, PT012
            connection.sendall(b"GET /livez HTTP/1.1\r\nX: ")
            while time.monotonic() - started < 5:
                connection.sendall(b"a")
                time.sleep(0.05)
        assert time.monotonic() - started < 4


def test_a_client_that_sends_its_body_slowly_is_cut(impatient: Serving) -> None:
    with connected(impatient) as connection:
        connection.sendall(
            b"POST /v1/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        )
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"urn:fraud:problem:slow-body" in answer


def test_a_head_without_end_and_what_is_not_http_are_refused(impatient: Serving) -> None:
    with connected(impatient) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nX: " + b"a" * 60_000)
        connection.sendall(b"a" * 20_000)
        assert received(connection).startswith(b"HTTP/1.1 431 ")
    with connected(impatient) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        answer = received(connection)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b"application/problem+json" in answer


def test_too_many_connections_are_turned_away_and_the_others_are_served(impatient: Serving) -> None:
    time.sleep(0.7)  # those of the tests before are closed
    waiting = [connected(impatient) for _ in range(30)]
    try:
        turned_away = [answer for answer in map(received, waiting) if answer.startswith(b"HTTP/1.1 503 ")]
        assert len(turned_away) >= 9
        assert all(b"Retry-After: 1" in answer for answer in turned_away)
    finally:
        for connection in waiting:
            connection.close()
    assert impatient.client.get("/livez").status_code == 200


def test_others_are_answered_while_many_clients_are_slow(impatient: Serving) -> None:
    slow = [connected(impatient) for _ in range(15)]
    try:
        for connection in slow:
            connection.sendall(b"POST /v1/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        started = time.monotonic()
        assert impatient.client.post("/v1/decisions", json=payment()).status_code == 200
        assert time.monotonic() - started < 0.5
    finally:
        for connection in slow:
            connection.close()


def test_a_client_that_leaves_does_no_harm(shared: Serving) -> None:
    body = json.dumps(payment(user_id="U-left")).encode()
    for _ in range(20):
        with connected(shared) as connection:
            head = "POST /v1/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            head += f"Content-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
    first, again = (shared.client.post("/v1/decisions", content=body, headers=JSON).json() for _ in range(2))
    assert again == {**first, "repeated": True}


def test_the_server_still_decides_after_all_this(client: httpx.Client) -> None:
    assert client.post("/v1/decisions", json=payment()).status_code == 200
    readiness = client.get("/readyz").json()
    assert (readiness["ready"], readiness["answers"], readiness["store"]) == (True, "ready", "ready")


def test_a_request_has_the_id_that_its_client_gives_if_it_is_harmless(client: httpx.Client) -> None:
    assert client.get("/livez", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert client.get("/livez", headers={"X-Request-Id": '"}\t{'}).headers["x-request-id"] != '"}\t{'


def test_the_folder_of_a_console_is_its_owners_only(tmp_path: Path) -> None:
    previous = os.umask(0o077)
    try:
        with serving(tmp_path) as running:
            running.client.post("/v1/decisions", json=payment())
            modes = {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()}
    finally:
        os.umask(previous)
    assert set(modes.values()) == {0}
