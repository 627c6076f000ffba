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

import msgspec
import pytest
from sqlalchemy import select

from console.control_desk import ControlDesk
from console.control_watch import ControlWatch
from console.notifications import channels, notifier
from console.notifications.notifier import Notifier
from console.notifications.settings import NotificationError, NotificationSettings, load_settings
from console.store.control import ControlStore
from console.store.rows import Batch
from console.store.store import DecisionStore
from console.store.tables import deliveries
from jobs.config.job import JobConfig
from jobs.control.file_channel import FileChannel
from tests.conftest import Configure
from tests.console.api.serving import wait_for
from tests.console.store.made_records import alert_of, record
from tests.jobs.event_stream import event_lines, write_events
from udfs.control.elements import ControlError, GuardrailControl, ThresholdsControl

TRIPPED = GuardrailControl(
    version=7, rule="burst", measure="alert_rate", limit=0.01, count=61, payments=4_000, over_payments=5_000
)
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
    made = msgspec.convert(
        {"digest_seconds": 0.05, "address": "https://console.test", **settings}, NotificationSettings
    )
    telling = Notifier(store.database, made, environment, lambda: 1_767_700_000_000, first_retry_seconds=0.01)
    telling.start()
    yield
    telling.stop()


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
            wait_for(lambda: len(logged(store)) == 2 and min(logged(store))[1] >= 6)
            assert min(logged(store))[2:] == (False, "ConnectError")
            wait_for(lambda: ("desk", 1, True, None) in logged(store))
        server.shutdown()
        (text,) = server.texts  # type: ignore[attr-defined]
    assert "Subject: 12 alerts: hard block" in text
    assert "and 2 more" in text


def test_what_was_not_delivered_is_delivered_after_a_restart_once(store: DecisionStore, hooks: Hooks) -> None:
    url = f"http://127.0.0.1:{hooks.server_port}/hook"
    settings = {"channels": [{"kind": "webhook", "name": "soc", "url": url, "secret_env": "HOOK"}]}
    hooks.refusals = 1_000
    with notifying(store, settings, SECRETS):
        block(store, 1, 2)
        wait_for(lambda: len(logged(store)) == 1 and logged(store)[0][1] >= 3)
        block(store, 3)  # waits for the message before it
    ((_, tries, _, failure),) = logged(store)
    assert failure == "status 503"
    hooks.refusals = 0
    with notifying(store, settings, SECRETS):
        wait_for(lambda: len(hooks.taken) == 2)
    told = [json.loads(body) for _, body in hooks.taken]
    assert [(one["id"], [alert["alert"] for alert in one["alerts"]]) for one in told] == [
        ("digest-1", ["D2", "D1"]), ("digest-2", ["D3"]),
    ]  # fmt: skip
    assert logged(store) == [("soc", tries + 1, True, None), ("soc", 1, True, None)]


def test_a_crossed_guardrail_is_told_after_a_restart(
    store: DecisionStore, hooks: Hooks, control: tuple[JobConfig, FileChannel]
) -> None:
    job, channel = control
    channel.publish(msgspec.structs.replace(TRIPPED, rule="old"))
    url = f"http://127.0.0.1:{hooks.server_port}/hook"
    settings = {"channels": [{"kind": "webhook", "name": "soc", "url": url, "secret_env": "HOOK"}]}
    hooks.refusals = 1_000
    with watching(store, job), notifying(store, settings, SECRETS):
        channel.publish(TRIPPED)
        wait_for(lambda: len(logged(store)) == 1 and logged(store)[0][1] >= 2)
        channel.publish(msgspec.structs.replace(TRIPPED, rule="later", version=8))
        wait_for(lambda: ControlStore(store.database).newest() == 3)
    hooks.refusals = 0
    with notifying(store, settings, SECRETS):
        wait_for(lambda: len(hooks.taken) == 2)
    told = [json.loads(body)["guardrails"] for _, body in hooks.taken]
    assert [[one["rule"] for one in guardrails] for guardrails in told] == [["burst"], ["later"]]


def test_a_message_is_given_up_after_a_day_and_that_is_said(store: DecisionStore, hooks: Hooks) -> None:
    clock = [1_767_700_000_000]
    url = f"http://127.0.0.1:{hooks.server_port}/hook"
    settings = msgspec.convert(
        {"digest_seconds": 0.05, "address": "https://console.test",
         "channels": [{"kind": "webhook", "name": "soc", "url": url, "secret_env": "HOOK"}]},
        NotificationSettings,
    )  # fmt: skip
    hooks.refusals = 1_000
    telling = Notifier(store.database, settings, SECRETS, lambda: clock[0], first_retry_seconds=0.001)
    telling.start()
    block(store, 1)
    wait_for(lambda: len(logged(store)) == 1 and logged(store)[0][1] >= 3)
    clock[0] += 23 * 3_600_000
    tries = logged(store)[0][1]
    wait_for(lambda: logged(store)[0][1] >= tries + 2)
    assert logged(store)[0][3] == "status 503"
    clock[0] += 3_600_000
    wait_for(lambda: str(logged(store)[0][3]).startswith("given up"))
    hooks.refusals = 0
    block(store, 2)
    wait_for(lambda: len(hooks.taken) == 1)
    telling.stop()
    (given_up, delivered) = logged(store)
    assert given_up[3] == f"given up after {given_up[1]} tries: status 503"
    assert delivered == ("soc", 1, True, None)
    assert [one["alert"] for one in json.loads(hooks.taken[0][1])["alerts"]] == ["D2"]


def test_a_message_that_cannot_be_made_does_not_end_the_channel(
    store: DecisionStore, hooks: Hooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [ValueError("Header values may not contain linefeed")]
    url = f"http://127.0.0.1:{hooks.server_port}/hook"
    settings = {"channels": [{"kind": "webhook", "name": "soc", "url": url, "secret_env": "HOOK"}]}
    send = channels.deliver

    def once_not(*arguments: Any) -> None:
        if errors:
            raise errors.pop()
        send(*arguments)

    monkeypatch.setattr(notifier, "deliver", once_not)
    with notifying(store, settings, SECRETS):
        block(store, 1)
        wait_for(lambda: len(hooks.taken) == 1)
    assert logged(store) == [("soc", 2, True, None)]


def test_a_stream_that_cannot_be_read_is_looked_at_again(
    store: DecisionStore, hooks: Hooks, control: tuple[JobConfig, FileChannel], monkeypatch: pytest.MonkeyPatch
) -> None:
    job, channel = control
    errors: list[Exception] = [
        RuntimeError("not expected"),
        ControlError("rules: cannot be read"),
        ControlError("again"),
    ]
    history = ControlDesk.history

    def odd(desk: ControlDesk) -> Any:
        if errors:
            raise errors.pop()
        return history(desk)

    monkeypatch.setattr(ControlDesk, "history", odd)
    with watching(store, job):  # the first look is at the start, which must not fail
        channel.publish(TRIPPED)
        wait_for(lambda: ControlStore(store.database).newest() == 1)


@pytest.fixture
def control(configure: Configure, tmp_path: Path) -> tuple[JobConfig, FileChannel]:
    """A job with a control stream, and the channel by which its guardrails publish."""
    (tmp_path / "control").mkdir()
    section = {"kind": "file", "path": str(tmp_path / "control")}
    job = configure(write_events(tmp_path / "events.jsonl", event_lines(5)), control=section)
    return job, FileChannel(tmp_path / "control")


@contextmanager
def watching(store: DecisionStore, job: JobConfig) -> Iterator[None]:
    watch = ControlWatch(ControlDesk(store, job, None, lambda: 1_767_700_000_000), store.database, look_seconds=0.05)
    watch.start()
    yield
    watch.stop()


def test_a_crossed_guardrail_is_told_by_every_channel_once(
    store: DecisionStore, hooks: Hooks, control: tuple[JobConfig, FileChannel]
) -> None:
    job, channel = control
    channel.publish(msgspec.structs.replace(TRIPPED, rule="old"))  # before the console came: no news
    with socketserver.TCPServer(("127.0.0.1", 0), Mail) as server:
        server.texts = []  # type: ignore[attr-defined]
        Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{hooks.server_port}"
        mail = {
            "kind": "email", "name": "desk", "host": "127.0.0.1", "port": server.server_address[1], "tls": False,
            "sender": "console@bank.test", "recipients": ["desk@bank.test"],
        }  # fmt: skip
        webhook = {"kind": "webhook", "name": "soc", "url": f"{url}/hook", "secret_env": "HOOK"}
        slack = {"kind": "slack", "name": "chat", "url_env": "SLACK"}
        settings = {"channels": [mail, webhook, slack]}
        environment = {**SECRETS, "SLACK": f"{url}/slack"}
        with watching(store, job), notifying(store, settings, environment):
            channel.publish(TRIPPED)
            channel.publish(ThresholdsControl(version=3, refer_to_analyst=100, soft_challenge=200, hard_block=300))
            wait_for(lambda: len(hooks.taken) == 2 and len(server.texts) == 1)  # type: ignore[attr-defined]
        channel.publish(msgspec.structs.replace(TRIPPED, rule="night_2", version=8))  # while the console is away
        with watching(store, job), notifying(store, {"channels": [webhook]}, SECRETS):
            wait_for(lambda: len(hooks.taken) == 3)
        server.shutdown()
        (text,) = server.texts  # type: ignore[attr-defined]
    words = "alert_rate of 61 in 4000 payments, at most 0.01 of 5000 are accepted"
    assert "Subject: 1 rule back in shadow: burst" in text
    told = [json.loads(body) for _, body in hooks.taken]
    (signed,) = [one for one in told[:2] if "guardrails" in one]
    (chat,) = [one["text"] for one in told[:2] if "text" in one]
    line = f"rule burst of version 7 is in shadow again, {words}: https://console.test/rules/burst"
    assert line in chat
    assert line in " ".join(text.replace("\r\n", "\n").replace("=\n", "").split())
    (one,) = signed["guardrails"]
    assert (signed["count"], signed["alerts"]) == (0, [])
    assert {name: one[name] for name in ("rule", "version", "measure", "limit", "count", "payments", "over_payments")} == {
        "rule": "burst", "version": 7, "measure": "alert_rate", "limit": 0.01, "count": 61, "payments": 4_000,
        "over_payments": 5_000,
    }  # fmt: skip
    assert [(one["rule"], one["link"]) for one in told[2]["guardrails"]] == [
        ("night_2", "https://console.test/rules/night_2")
    ]
    assert sorted(logged(store)) == [("chat", 1, True, None), ("desk", 1, True, None), *[("soc", 1, True, None)] * 2]


def test_guardrails_and_alerts_are_one_message_under_one_throttle(
    store: DecisionStore, hooks: Hooks, control: tuple[JobConfig, FileChannel]
) -> None:
    job, channel = control
    url = f"http://127.0.0.1:{hooks.server_port}/hook"
    settings = {
        "channels": [{"kind": "webhook", "name": "soc", "url": url, "secret_env": "HOOK"}], "most_an_hour": 1,
    }  # fmt: skip
    hooks.refusals = 1
    with watching(store, job), notifying(store, settings, SECRETS):
        block(store, 1)
        wait_for(lambda: len(hooks.taken) == 1)
        block(store, 2)
        for number in range(5):
            channel.publish(msgspec.structs.replace(TRIPPED, rule=f"rule{number}"))
        wait_for(lambda: ControlStore(store.database).newest() == 5)
    with watching(store, job), notifying(store, {**settings, "most_an_hour": 9}, SECRETS):
        wait_for(lambda: len(hooks.taken) == 2)
    told = json.loads(hooks.taken[1][1])
    assert told["subject"] == "5 rules back in shadow: rule0, rule1, rule2, …; 1 alert: hard block"
    assert ([one["rule"] for one in told["guardrails"]], told["count"]) == ([f"rule{one}" for one in range(5)], 1)
    with watching(store, job), notifying(store, {**settings, "most_an_hour": 9, "guardrails": False}, SECRETS):
        channel.publish(msgspec.structs.replace(TRIPPED, rule="silent"))
        block(store, 3)
        wait_for(lambda: len(hooks.taken) == 3)
    assert json.loads(hooks.taken[2][1])["guardrails"] == []


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
