"""A payment whose decision does not come in time gets the fallback, and its decision later.

The scorer is held up as it would be by a slow disk: another process has its database locked.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.settings import ApiSettings, SettingsError
from tests.console.api.serving import START_MS, Serving, payment, serving, stored, wait_for


@contextmanager
def held_up(running: Serving) -> Iterator[None]:
    database = sqlite3.connect(running.folder / "scorer.sqlite", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        database.execute("ROLLBACK")
        database.close()


@pytest.mark.parametrize(("fallback", "action"), [("allow", "allow"), ("refer", "refer_to_analyst")])
def test_the_fallback_is_marked_and_the_decision_reaches_the_store(tmp_path: Path, fallback: str, action: str) -> None:
    event = payment(user_id="U-late")
    with serving(tmp_path, deadline_ms=300, fallback=fallback) as running:
        with held_up(running):
            started = time.monotonic()
            body = running.client.post("/v1/decisions", json=event).json()
            assert 0.3 <= time.monotonic() - started < 2
            assert (body["action"], body["degraded"], body["risk_score"]) == (action, "timeout", None)
            alias = running.client.post("/api/check-fraud", json=event).json()
            assert (alias["risk_level"], alias["fraud_score"], alias["degraded"]) == ("unknown", None, "timeout")
        found = stored(running.client, body["decision_id"])
        later = running.client.post("/v1/decisions", json=event).json()
        assert (later["action"], later["repeated"], later["degraded"]) == (found["action"], True, None)
        metrics = running.client.get("/metrics").text
        assert f'fraud_api_fallbacks_total{{fallback="{fallback}"}} 2.0' in metrics
        wait_for(lambda: "fraud_api_late_answers_total 2.0" in running.client.get("/metrics").text)


def test_without_a_fallback_the_client_is_told_to_ask_again(tmp_path: Path) -> None:
    event = payment(user_id="U-again")
    with serving(tmp_path, deadline_ms=300, fallback="503") as running:
        with held_up(running):
            answer = running.client.post("/v1/decisions", json=event)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            assert answer.json()["detail"] == "no decision within 300 ms; send the same event again for it"
        wait_for(lambda: running.client.post("/v1/decisions", json=event).status_code == 200)


def test_a_batch_ends_when_no_decision_comes_and_the_rest_is_to_be_sent_again(tmp_path: Path) -> None:
    events = [payment(user_id=f"U-batch{number}") for number in range(3)]
    with serving(tmp_path, deadline_ms=300) as running:
        with held_up(running):
            started = time.monotonic()
            body = running.client.post("/v1/decisions:batch", json=[{}, *events]).json()
            assert 0.3 <= time.monotonic() - started < 5
        assert body["failed"] == 4
        assert [one["status"] for one in body["results"]] == [422, 503, 503, 503]
        assert [one.get("retry_after_seconds") for one in body["results"]] == [None, 1, 1, 1]
        assert body["results"][1]["problem"]["detail"] == "no decision within 300 ms; send the same event again"

        def decided() -> bool:
            again = running.client.post("/v1/decisions:batch", json=events).json()
            return [one["status"] for one in again["results"]] == [200, 200, 200]

        wait_for(decided)


def test_what_is_refused_is_refused_at_once(tmp_path: Path) -> None:
    with serving(tmp_path, deadline_ms=300) as running, held_up(running):
        started = time.monotonic()
        assert running.client.post("/v1/decisions", json={"user_id": "U"}).status_code == 422
        assert time.monotonic() - started < 0.3


def test_a_request_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with serving(tmp_path, deadline_ms=900, request_seconds=1.0) as running:
        with held_up(running):
            started = time.monotonic()
            login = {"type": "login", "event_id": "E-slow", "user_id": "U-slow", "timestamp": START_MS}
            answer = running.client.post("/v1/events", json=login)
            assert 1.0 <= time.monotonic() - started < 3
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert answer.json()["detail"].startswith("no answer within 1 s")


def test_a_deadline_beyond_the_limit_of_a_request_is_no_setting() -> None:
    with pytest.raises(SettingsError, match="deadline_ms: 30000 is not below the limit of a request"):
        ApiSettings(deadline_ms=30_000)
