"""A person is erased by one call, and the audit log says so without naming the person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from cli.main import main
from console.answers.embedded_log import read_records
from console.store.store import DecisionStore
from tests.console.api.serving import START_MS, payment, serving, wait_for

PERSON = "Person-4711"


def test_an_erased_person_is_nowhere_and_a_new_customer(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        client = running.client
        first = payment(user_id=PERSON, transaction_id="E1")
        login = {"type": "login", "event_id": "EL", "user_id": PERSON, "timestamp": START_MS}
        assert client.post("/v1/decisions", json=first).json()["repeated"] is False
        assert client.post("/v1/decisions", json=payment(user_id="other")).status_code == 200
        assert client.post("/v1/events", json=login).status_code == 202
        wait_for(lambda: running.services.store_lag() == 0)
        answer = client.post("/v1/erasures", json={"user_id": PERSON})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["is_forgotten"] is True
        assert {name: body["removed"][name] for name in ("decisions", "events")} == {"decisions": 1, "events": 2}
        places = [f"the scorer's log {tmp_path / 'scorer.sqlite'}", "the store's file",
                  "the store's log of changes of the job, and proposals", "backups of the store"]  # fmt: skip
        assert [place["where"] for place in body["held"]] == places
        assert client.get(f"/v1/users/{PERSON}/timeline").json()["items"] == []
        assert client.get("/v1/users/other/timeline").json()["items"] != []
        audited = client.get("/v1/audit").json()["items"]
        assert (audited[0]["what"], audited[0]["subject"], audited[0]["who"]) == (
            "user erased", body["event_id"], "local",
        )  # fmt: skip
        assert audited[0]["after"] == body["removed"]
        assert PERSON not in str(audited)
        again = client.post("/v1/decisions", json=first)
        assert again.json()["repeated"] is False
        assert client.post("/v1/erasures", json={"user_id": PERSON}).status_code == 200
        assert PERSON not in {record.user_id for record in read_records(tmp_path / "scorer.sqlite", 0, 1_000)}


def test_a_console_that_only_reads_erases_from_its_store(tmp_path: Path) -> None:
    with serving(tmp_path, with_scorer=False) as running:
        body = running.client.post("/v1/erasures", json={"user_id": PERSON}).json()
        assert (body["is_forgotten"], body["removed"]["decisions"]) == (False, 0)


@pytest.mark.parametrize(
    "body", [{}, {"user_id": 7}, {"user_id": ""}, {"user_id": "two words"}, {"user_id": "x" * 65}, [], {"user": "U1"}]
)
def test_what_names_no_user_is_refused(client: httpx.Client, body: Any) -> None:
    answer = client.post("/v1/erasures", json=body)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:fraud:problem:no-user"), answer.text


@pytest.mark.parametrize("path", ["/v1/events", "/v1/decisions", "/v1/decisions:batch"])
def test_an_erasure_does_not_come_in_by_another_door(client: httpx.Client, path: str) -> None:
    event = {"type": "erasure", "event_id": "e", "user_id": "U1", "timestamp": START_MS}
    answer = client.post(path, json=[event] if path.endswith("batch") else event)
    problem = answer.json()["results"][0]["problem"] if path.endswith("batch") else answer.json()
    assert (problem["status"], problem["type"]) == (422, "urn:fraud:problem:event-refused")
    assert "send the user_id to /v1/erasures" in problem["detail"]


def test_the_audit_log_is_paged(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        for number in range(5):
            running.client.post("/v1/erasures", json={"user_id": f"U{number}"})
        first = running.client.get("/v1/audit", params={"limit": 3}).json()
        rest = running.client.get("/v1/audit", params={"limit": 3, "cursor": first["next_cursor"]}).json()
        assert [len(first["items"]), len(rest["items"]), rest["next_cursor"]] == [3, 2, None]
        refused = running.client.get("/v1/audit", params={"cursor": "odd"})
        assert (refused.status_code, refused.json()["type"]) == (422, "urn:fraud:problem:invalid-cursor")


def test_the_command_erases_from_store_and_log(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        for user in (PERSON, "other") * 2:
            running.client.post("/v1/decisions", json=payment(user_id=user))
        wait_for(lambda: running.services.store_lag() == 0)
        url, log = f"sqlite:///{tmp_path / 'store.sqlite'}", str(tmp_path / "scorer.sqlite")
        arguments = ["console", "store", "erase", "--user", PERSON, "--store", url, "--log", log]
        refused = CliRunner().invoke(main, arguments)
        assert (refused.exit_code, "POST /v1/erasures" in refused.output) == (2, True), refused.output
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert "4 records removed, the state is forgotten" in result.output
    assert "decisions: 2 rows removed" in result.output
    assert "still held: backups of the store: all rows of their moment, until someone removes it" in result.output
    assert PERSON.encode() not in (tmp_path / "scorer.sqlite").read_bytes()
    store = DecisionStore.open(url)
    assert {one.user_id for one in store.decisions().items} == {"other"}
    store.close()
    odd = CliRunner().invoke(main, ["console", "store", "erase", "--user", "two words", "--store", url])
    assert (odd.exit_code, "--user: 'two words'" in odd.output) == (2, True), odd.output
