"""Notifications to real servers on this machine: signatures, digests, throttle, retries, restart, e-mail."""

from __future__ import annotations

import hmac
import json
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select

from console.notifications.notifier import Notifier
from console.notifications.settings import NotificationError, NotificationSettings, load_settings
from console.store.rows import Batch
from console.store.store import DecisionStore
from console.store.tables import deliveries
from tests.console.api.serving import wait_for
from tests.console.store.made_records import alert_of, record

SECRETS = {"HOOK": "top secret", "SLACK": "to be set"}


class Hooks(HTTPServer):
    """Keeps what is posted. `refusals`: so many are refused first."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.refusals = 0
        self.taken: list[tuple[dict[str, str], bytes]] = []


class Receiver(BaseHTTPRequestHandler):
    server: Hooks

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.refusals:
            self.server.refusals -= 1
            self.send_response(503)
        else:
            self.server.taken.append((dict(self.headers), body))
            self.send_response(204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


class Mail(socketserver.StreamRequestHandler):
    """As much SMTP as one message needs."""

    def handle(self) -> None:
        self.wfile.write(b"220 test\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                text = b""
                while (line := self.rfile.readline()) != b".\r\n":
                    text += line
                self.server.texts.append(text.decode())  # type: ignore[attr-defined]
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
            if word == b"QUIT":
                return


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with Hooks() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DecisionStore]:
    opened = DecisionStore.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    yield opened
    opened.close()


def block(store: DecisionStore, *numbers: int, action: str = "hard_block") -> None:
    made = [record(number, action=action, risk_score=900 + number, summary="<b>why</b>") for number in numbers]
    store.write(Batch(decisions=made, alerts=[alert_of(one) for one in made]))


@contextmanager
def notifying(store: DecisionStore, settings: dict[str, Any], environment: dict[str, str]) -> Iterator[None]:
    import msgspec

    made = msgspec.convert(
        {"digest_seconds": 0.05, "address": "https://console.test", **settings}, NotificationSettings
    )
    notifier = Notifier(store.database, made, environment, lambda: 1_767_700_000_000, first_retry_seconds=0.01)
    notifier.start()
    yield
    notifier.stop()


def logged(store: DecisionStore) -> list[tuple[str, int, bool, str | None]]:
    columns = deliveries.c
    statement = select(columns.channel, columns.attempts, columns.delivered_ms.is_not(None), columns.failure)
    with store.database.read() as connection:
        return [tuple(row) for row in connection.execute(statement.order_by(columns.number))]


def test_a_signed_webhook_tells_what_is_new_once_also_after_a_restart(store: DecisionStore, hooks: Hooks) -> None:
    url = f"http://127.0.0.1:{hooks.server_port}/hook"
    settings = {"channels": [{"kind": "webhook", "name": "soc", "url": url, "secret_env": "HOOK"}]}
    block(store, 1)
    with notifying(store, settings, SECRETS):
        block(store, 2, 3)
        block(store, 4, action="refer_to_analyst")
        wait_for(lambda: len(hooks.taken) == 1)
    headers, body = hooks.taken[0]
    stamp, _, signature = headers["X-Fraud-Signature"].partition(",v1=")
    expected = hmac.new(b"top secret", f"{stamp[2:]}.".encode() + body, sha256).hexdigest()
    assert signature == expected
    told = json.loads(body)
    assert (told["count"], [one["risk_score"] for one in told["alerts"]]) == (2, [903, 902])
    assert told["alerts"][0]["link"] == "https://console.test/alerts/D3"
    assert not any(word in body for word in (b"U2", b"U3", b"why"))
    block(store, 5)
    with notifying(store, settings, SECRETS):
        wait_for(lambda: len(hooks.taken) == 2)
    assert [one["alert"] for one in json.loads(hooks.taken[1][1])["alerts"]] == ["D5"]
    assert logged(store) == [("soc", 1, True, None), ("soc", 1, True, None)]


def test_a_refused_message_is_tried_again_and_a_throttle_gathers(store: DecisionStore, hooks: Hooks) -> None:
    hooks.refusals = 2
    environment = {**SECRETS, "SLACK": f"http://127.0.0.1:{hooks.server_port}/slack"}
    settings = {"channels": [{"kind": "slack", "name": "chat", "url_env": "SLACK"}], "most_an_hour": 1}
    with notifying(store, settings, environment):
        block(store, 1)
        wait_for(lambda: len(hooks.taken) == 1)
        block(store, 2)
        wait_for(lambda: logged(store) == [("chat", 3, True, None)])
    text = json.loads(hooks.taken[0][1])["text"]
    assert text.startswith(
        "1 alert: hard block\n\nhard block, risk score 901, 10.00 EUR: https://console.test/alerts/D1"
    )
    with notifying(store, {**settings, "most_an_hour": 5}, environment):
        wait_for(lambda: len(hooks.taken) == 2)
    assert "D2" in json.loads(hooks.taken[1][1])["text"]


def test_an_e_mail_and_a_channel_that_is_away(store: DecisionStore) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), Mail) as server:
        server.texts = []  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, daemon=True).start()
        mail = {
            "kind": "email", "name": "desk", "host": "127.0.0.1", "port": server.server_address[1], "tls": False,
            "sender": "console@bank.test", "recipients": ["desk@bank.test"],
        }  # fmt: skip
        away = {"kind": "webhook", "name": "away", "url": "http://127.0.0.1:9/", "secret_env": "HOOK"}
        with notifying(store, {"channels": [mail, away]}, SECRETS):
            block(store, *range(12))
            wait_for(
                lambda: sorted(logged(store))[:1] == [("away", 6, False, "ConnectError")] and len(logged(store)) == 2
            )
            wait_for(lambda: ("desk", 1, True, None) in logged(store))
        server.shutdown()
        (text,) = server.texts  # type: ignore[attr-defined]
    assert "Subject: 12 alerts: hard block" in text
    assert "and 2 more" in text


def test_what_is_wrong_with_the_file_is_told(tmp_path: Path) -> None:
    file = tmp_path / "notifications.yaml"
    cases = {
        "channels: []": "length >= 1",
        "channels: [{kind: pigeon, name: a}]": "pigeon",
        "channels: [{kind: slack, name: a, url_env: SLACK, url: x}]": "unknown field `url`",
        "channels: [{kind: slack, name: a, url_env: NONE}]": "the variable NONE is not set",
        "channels: [{kind: slack, name: a, url_env: SLACK}, {kind: slack, name: a, url_env: SLACK}]": "different names",
        "channels: [": "while parsing",
    }
    for text, told in cases.items():
        file.write_text(text)
        with pytest.raises(NotificationError, match=told):
            load_settings(file, SECRETS)
    with pytest.raises(NotificationError, match="cannot be read"):
        load_settings(tmp_path / "none.yaml", SECRETS)
