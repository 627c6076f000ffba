"""A person is erased by the SDK: over HTTP, in this process, and from programs with an event loop."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from client import AsyncFraudDetector, Erased, EventRefused, FraudDetector, Held, NotAuthorized, TimedOut
from console.answers.embedded_log import read_records
from console.api.key_changes import add_key
from tests.client.odd_server import OddServer, Reply
from tests.console.api.serving import START_MS, payment, serving, wait_for

PERSON = "Person-4711"


def test_over_http_the_store_and_the_scorer_forget(tmp_path: Path) -> None:
    with serving(tmp_path) as running, FraudDetector(running.url) as fraud:
        first = payment(user_id=PERSON)
        assert fraud.predict(first).repeated is False
        fraud.predict(payment(user_id="other"))
        wait_for(lambda: running.services.store_lag() == 0)
        erased = fraud.erase(PERSON)
        (told,) = running.client.get("/v1/audit").json()["items"]
        assert (erased.event_id, erased.removed) == (told["subject"], told["after"])
        assert (erased.is_forgotten, erased.removed["decisions"]) == (True, 1)
        assert Held("backups of the store", "all rows of their moment") in erased.held
        timelines = [running.client.get(f"/v1/users/{user}/timeline").json()["items"] for user in (PERSON, "other")]
        assert [bool(items) for items in timelines] == [False, True]
        assert fraud.predict(first).repeated is False
        assert fraud.erase(PERSON).is_forgotten


def test_embedded_the_file_has_nothing_of_the_user(tmp_path: Path) -> None:
    log = tmp_path / "fraud.sqlite"
    with FraudDetector(embedded=log) as fraud:
        first = payment(user_id=PERSON)
        fraud.predict(first)
        fraud.send_event({"type": "login", "event_id": "L", "user_id": PERSON, "timestamp": START_MS})
        fraud.predict(payment(user_id="other"))
        erased = fraud.erase(PERSON)
        assert (erased.is_forgotten, erased.removed) == (True, {})
        assert [place.where for place in erased.held] == [f"the scorer's log {log}"]
        assert {record.user_id for record in read_records(log, 0, 100)} == {"other"}
        assert fraud.predict(first).repeated is False


@pytest.mark.parametrize("way", ["http", "embedded"])
def test_a_program_with_an_event_loop_gets_the_same(way: str, tmp_path: Path) -> None:
    async def erased(**where: Any) -> Erased:
        async with AsyncFraudDetector(**where) as fraud:
            await fraud.predict(payment(user_id=PERSON))
            return await fraud.erase(PERSON)

    with serving(tmp_path) as running:
        where = {"address": running.url} if way == "http" else {"embedded": tmp_path / "own.sqlite"}
        assert asyncio.run(erased(**where)).is_forgotten


def test_a_key_that_may_not_erase_is_refused(tmp_path: Path) -> None:
    with serving(tmp_path, require_keys=True) as running:
        keys = {
            role: add_key(running.services.store, role, role, START_MS, "a test")  # type: ignore[arg-type]
            for role in ("scorer", "admin")
        }
        with FraudDetector(running.url, api_key=keys["scorer"]) as fraud, pytest.raises(NotAuthorized, match="admin"):
            fraud.erase(PERSON)
        with FraudDetector(running.url, api_key=keys["admin"]) as fraud:
            assert fraud.erase(PERSON).is_forgotten


@pytest.mark.parametrize("user", ["", "two words", "x" * 65, "é", None, True, 1.5])
def test_what_is_no_id_is_refused_before_a_call(user: Any) -> None:
    with OddServer(Reply()) as server, FraudDetector(server.address) as fraud:
        with pytest.raises(EventRefused, match="user_id"):
            fraud.erase(user)
        assert server.asked == []


def test_a_whole_number_is_its_decimal_text(tmp_path: Path) -> None:
    log = tmp_path / "fraud.sqlite"
    with FraudDetector(embedded=log) as fraud:
        fraud.predict(payment(user_id="4711"))
        fraud.erase(4711)  # type: ignore[arg-type]
        assert read_records(log, 0, 100) == []


def test_without_an_answer_in_time_the_message_says_to_erase_again() -> None:
    with (
        OddServer(Reply(delay_seconds=1)) as server,
        FraudDetector(server.address, retries=0) as fraud,
        pytest.raises(TimedOut, match="erase again"),
    ):
        fraud.erase(PERSON, timeout_seconds=0.2)
