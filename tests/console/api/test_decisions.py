"""Payments get decisions, one or many at a time, and the same payment the same decision."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.api_load import send_load, summary
from console.api.examples import PAYMENT_EXAMPLE
from tests.console.api.serving import START_MS, Serving, payment, serving, stored
from udfs.core import _native

NDJSON = {"Content-Type": "application/x-ndjson"}


def test_a_payment_gets_a_decision_with_its_versions(shared: Serving) -> None:
    event = payment(user_id="U-first")
    answer = shared.client.post("/v1/decisions", json=event)
    body = answer.json()
    assert answer.status_code == 200
    assert {name: body[name] for name in ("transaction_id", "user_id", "event_time_ms", "amount", "currency")} == {
        "transaction_id": event["transaction_id"], "user_id": "U-first", "event_time_ms": event["timestamp"],
        "amount": 25.0, "currency": "USD",
    }  # fmt: skip
    assert body["decision_id"] == _native.decision_id("U-first", event["transaction_id"])
    assert body["action"] in ("allow", "refer_to_analyst", "soft_challenge", "hard_block")
    assert body["risk_score"] == int(1000 * body["probability"] + 0.5)
    versions = shared.services.versions()
    assert (body["model"]["bundle"], body["feature_set"]) == (versions.bundle, versions.feature_set)
    assert (body["repeated"], body["degraded"]) == (False, None)
    assert "features_packed" not in body


def test_an_alarming_payment_has_reasons_in_words(client: httpx.Client) -> None:
    for number in range(5):
        client.post("/v1/decisions", json=payment(user_id="U-alarm", timestamp=START_MS + number * 86_400_000))
    odd = payment(
        user_id="U-alarm", timestamp=START_MS + 5 * 86_400_000, amount=250_000.0, device_id="D-new", channel="wire",
        country="KP", ip_address="203.0.113.9",
    )  # fmt: skip
    body = client.post("/v1/decisions", json=odd).json()
    assert body["flags"] == ["AML"]
    assert body["action"] != "allow"
    assert body["summary"]
    assert all(reason["text"] and reason["source"] for reason in body["reasons"])


def test_a_repeat_gets_the_first_decision_and_other_content_is_refused(client: httpx.Client) -> None:
    event = payment(user_id="U-repeat")
    first = client.post("/v1/decisions", json=event).json()
    again = client.post("/v1/decisions", json=dict(reversed(event.items()))).json()
    assert again == {**first, "repeated": True}
    other = client.post("/v1/decisions", json={**event, "amount": 25.01})
    assert other.status_code == 409
    assert other.json()["type"] == "urn:fraud:problem:other-content"
    assert other.json()["detail"].startswith(f"transaction_id: {event['transaction_id']!r} of user 'U-repeat'")
    assert client.post("/v1/decisions", json=event).json() == {**first, "repeated": True}


def test_a_restart_keeps_decisions_and_the_users_state(tmp_path: Path) -> None:
    events = [payment(user_id="U-kept", timestamp=START_MS + number * 60_000) for number in range(3)]
    with serving(tmp_path) as running:
        first = [running.client.post("/v1/decisions", json=event).json() for event in events]
    with serving(tmp_path) as running:
        assert [running.client.post("/v1/decisions", json=event).json() for event in events] == [
            {**decision, "repeated": True} for decision in first
        ]
        fourth = payment(user_id="U-kept", timestamp=START_MS + 3 * 60_000)
        decision_id = running.client.post("/v1/decisions", json=fourth).json()["decision_id"]
        found = stored(running.client, decision_id)
        assert found["features"]["txn_count_1h"] == 4
        listed = running.client.get("/v1/decisions", params={"user_id": "U-kept"}).json()["items"]
        assert [one["transaction_id"] for one in listed] == [
            event["transaction_id"] for event in [fourth, *reversed(events)]
        ]


def test_an_array_gets_an_answer_for_each_event_in_order(client: httpx.Client) -> None:
    event = payment(user_id="U-array")
    login = {"type": "login", "event_id": "L-array", "user_id": "U-array", "timestamp": START_MS}
    batch = [login, event, {**event, "amount": 9}, {"user_id": "U-array"}, event]
    answer = client.post("/v1/decisions:batch", json=batch)
    body = answer.json()
    assert answer.status_code == 200
    assert [item["status"] for item in body["results"]] == [202, 200, 409, 422, 200]
    assert body["failed"] == 2
    assert body["results"][0]["event_id"] == "L-array"
    assert body["results"][4]["decision"] == {**body["results"][1]["decision"], "repeated": True}
    assert "transaction_id" in body["results"][3]["problem"]["detail"]


def test_lines_get_lines(client: httpx.Client) -> None:
    events = [payment(user_id=f"U-line-{number % 3}") for number in range(50)]
    lines = "\n".join(json.dumps(event) for event in events) + "\n\nnot json\n"
    answer = client.post("/v1/decisions:batch", content=lines, headers=NDJSON)
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    results = [json.loads(line) for line in answer.text.splitlines()]
    assert [item["status"] for item in results] == [200] * 50 + [422]
    assert [item["decision"]["transaction_id"] for item in results[:50]] == [
        event["transaction_id"] for event in events
    ]


def test_a_batch_beyond_its_limits_is_refused(client: httpx.Client) -> None:
    too_many = client.post("/v1/decisions:batch", json=[{}] * 1_001)
    assert (too_many.status_code, too_many.json()["detail"]) == (413, "1,001 events; send at most 1,000 at a time")
    large = client.post("/v1/decisions:batch", json=[payment(), payment(city="x" * 70_000)]).json()
    assert [item["status"] for item in large["results"]] == [200, 413]
    assert client.post("/v1/decisions:batch", json=[]).json() == {"results": [], "failed": 0}


def test_logins_account_changes_and_labels_are_taken(client: httpx.Client) -> None:
    event = payment(user_id="U-events")
    assert client.post("/v1/decisions", json=event).status_code == 200
    common: dict[str, Any] = {"user_id": "U-events", "timestamp": event["timestamp"]}
    others = [
        {"type": "login", "event_id": "E1", "success": True, **common},
        {"type": "account_change", "event_id": "E2", "new_status": "verified", "audit_user": "clerk", **common},
        {"type": "label", "event_id": "E3", "transaction_id": event["transaction_id"], "is_fraud": True,
         "known_at": event["timestamp"] + 1_000, **common},
    ]  # fmt: skip
    for other in others:
        answer = client.post("/v1/events", json=other)
        assert (answer.status_code, answer.json()) == (202, {"event_id": other["event_id"]})
    refused = client.post("/v1/events", json=event)
    assert (refused.status_code, refused.json()["detail"]) == (
        422, "type: a transaction is decided; send it to /v1/decisions",
    )  # fmt: skip
    refused = client.post("/v1/decisions", json=others[0])
    assert (refused.status_code, refused.json()["detail"]) == (
        422, "type: login is not a transaction; send it to /v1/events",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"user_id": ""}, "user_id"),
        ({"amount": -1}, "amount"),
        ({"timestamp": 1_767_614_400}, "epoch seconds"),
        ({"currency": "EURO"}, "currency"),
        ({"kind": "gift"}, "kind"),
        ({"timestamp": 4_000_000_000_000}, "timestamp"),
    ],
)
def test_a_refused_payment_names_the_field(client: httpx.Client, fields: dict[str, Any], named: str) -> None:
    answer = client.post("/v1/decisions", json=payment(**fields))
    assert answer.status_code == 422
    assert named in answer.json()["detail"]


def test_the_example_of_the_document_is_decided(client: httpx.Client) -> None:
    assert client.post("/v1/decisions", json=PAYMENT_EXAMPLE).status_code == 200


async def _loaded(url: str) -> dict[str, Any]:
    return summary(await send_load(url, 200, 2, 0.5, 100, 32, None, 1), 200, 2)


def test_the_load_generator_sends_what_is_due_and_counts_it(shared: Serving) -> None:
    import asyncio

    figures = asyncio.run(_loaded(shared.url))
    assert (figures["sent"], figures["answered"], figures["errors"]) == (400, 400, {})
    assert 0 < figures["p50_ms"] <= figures["p99_ms"] <= figures["max_ms"]
