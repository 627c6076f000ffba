"""What was decided is found again: by filters, page by page, by user, with its features."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.postgresql_server import PostgresqlServer
from console.api.key_changes import add_key, revoke_key
from tests.console.api.serving import START_MS, Serving, payment, serving, wait_for

DAY_MS = 86_400_000


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def filled(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Serving, list[dict[str, Any]]]]:
    """A server and its decisions in order: ten days of five users, each day one large payment of U4."""
    url = None
    if request.param == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        url = server.make_database("filled")
    with serving(tmp_path_factory.mktemp("filled"), store_url=url) as running:
        events = [
            payment(
                transaction_id=f"R{day}-{user}", user_id=f"R{user}", timestamp=START_MS + day * DAY_MS + user,
                amount=200_000.0 if user == 4 else 10.0 + user, channel="wire" if user == 4 else "pos",
            )
            for day in range(10)
            for user in range(5)
        ]  # fmt: skip
        results = running.client.post("/v1/decisions:batch", json=events).json()["results"]
        login = {"type": "login", "event_id": "RL", "user_id": "R1", "timestamp": START_MS + 12 * DAY_MS}
        label = {"type": "label", "event_id": "RF", "transaction_id": "R0-1", "user_id": "R1", "timestamp": START_MS + 1,
                 "known_at": START_MS + 11 * DAY_MS, "is_fraud": True}  # fmt: skip
        future = payment(user_id="R1", timestamp=4_000_000_000_000)
        for path, event in (("/v1/events", login), ("/v1/events", label), ("/v1/decisions", future)):
            running.client.post(path, json=event)
        wait_for(lambda: running.services.store_lag() == 0)
        yield running, [item["decision"] for item in results]


def found(running: Serving, **query: Any) -> list[dict[str, Any]]:
    answer = running.client.get("/v1/decisions", params={"limit": 500, **query})
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def test_filters_find_what_they_say(filled: tuple[Serving, list[dict[str, Any]]]) -> None:
    running, decisions = filled
    newest_first = sorted(decisions, key=lambda one: (one["event_time_ms"], one["decision_id"]), reverse=True)
    rule = next(rule for one in decisions for rule in one["rules"]["hits"])
    middle = sorted(one["risk_score"] for one in decisions)[25]
    cases: list[tuple[dict[str, Any], Any]] = [
        ({}, lambda one: True),
        ({"user_id": "R2"}, lambda one: one["user_id"] == "R2"),
        ({"transaction_id": "R3-1"}, lambda one: one["transaction_id"] == "R3-1"),
        ({"from_ms": START_MS + 3 * DAY_MS}, lambda one: one["event_time_ms"] >= START_MS + 3 * DAY_MS),
        ({"to_ms": START_MS + 3 * DAY_MS}, lambda one: one["event_time_ms"] < START_MS + 3 * DAY_MS),
        ({"flag": "AML"}, lambda one: "AML" in one["flags"]),
        ({"rule": rule}, lambda one: rule in one["rules"]["hits"]),
        ({"min_score": middle}, lambda one: one["risk_score"] >= middle),
        ({"max_score": middle, "user_id": "R4"}, lambda one: one["risk_score"] <= middle and one["user_id"] == "R4"),
        ({"bundle": running.services.versions().bundle}, lambda one: True),
        ({"bundle": "another"}, lambda one: False),
        *(({"action": action}, lambda one, action=action: one["action"] == action)
          for action in ("allow", "refer_to_analyst", "soft_challenge", "hard_block")),
    ]  # fmt: skip
    for query, holds in cases:
        expected = [one["decision_id"] for one in newest_first if holds(one)]
        assert [one["decision_id"] for one in found(running, **query)] == expected, query
    assert len(found(running, flag="AML")) == 10


def test_pages_join_to_the_whole_list(filled: tuple[Serving, list[dict[str, Any]]]) -> None:
    running, _ = filled
    collected: list[str] = []
    cursor: str | None = None
    for _ in range(100):
        query = {"limit": "7"} | ({"cursor": cursor} if cursor else {})
        page = running.client.get("/v1/decisions", params=query).json()
        collected += [one["decision_id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert collected == [one["decision_id"] for one in found(running)]
    assert len(collected) == 50


def test_one_decision_has_its_reasons_and_its_features_by_name(filled: tuple[Serving, list[dict[str, Any]]]) -> None:
    running, decisions = filled
    for decision in decisions[44:46]:
        body = running.client.get(f"/v1/decisions/{decision['decision_id']}").json()
        for name in ("transaction_id", "user_id", "risk_score", "probability", "action", "reasons", "model", "rules"):
            assert body[name] == decision[name], name
        assert body["features"]["amount"] == decision["amount"]
        assert body["features"]["txn_count_1h"] == 1
    missing = running.client.get("/v1/decisions/00ff")
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:fraud:problem:no-such-decision")


def test_a_timeline_has_all_that_happened_to_a_user(filled: tuple[Serving, list[dict[str, Any]]]) -> None:
    running, _ = filled
    items = running.client.get("/v1/users/R1/timeline").json()["items"]
    assert [item["kind"] for item in items] == ["login", "label"] + ["decision"] * 10
    assert [items[0]["item_id"], items[1]["item_id"]] == ["RL", "RF"]
    assert [item["decision"]["transaction_id"] for item in items[2:]] == [f"R{day}-1" for day in range(9, -1, -1)]
    assert running.client.get("/v1/users/nobody/timeline").json() == {"items": [], "next_cursor": None}


def test_alerts_by_user_time_and_action_are_those_of_the_decisions(
    filled: tuple[Serving, list[dict[str, Any]]],
) -> None:
    running, decisions = filled
    first, last = START_MS + 2 * DAY_MS, START_MS + 6 * DAY_MS
    query: dict[str, Any] = {"user_id": "R4", "from_ms": first, "to_ms": last, "limit": 500}
    expected = {
        one["decision_id"]
        for one in decisions
        if one["action"] != "allow" and one["user_id"] == "R4" and first <= one["event_time_ms"] < last
    }
    items = running.client.get("/v1/alerts", params=query).json()["items"]
    assert {item["alert_id"] for item in items} == expected
    for action in {one["action"] for one in decisions}:
        found = running.client.get("/v1/alerts", params={**query, "action": action}).json()["items"]
        assert len(found) == sum(item["action"] == action for item in items)


def test_the_audit_log_has_what_was_changed_newest_first(filled: tuple[Serving, list[dict[str, Any]]]) -> None:
    running, _ = filled
    store = running.services.store
    for number in range(3):
        add_key(store, f"audited-{number}", "viewer", START_MS + number, "a test")
    revoke_key(store, "audited-1", START_MS + 9, "a test")
    entries: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = running.client.get("/v1/audit", params={"limit": "2"} | ({"cursor": cursor} if cursor else {})).json()
        entries += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [(one["what"], one["subject"], one["who"], one["at_ms"]) for one in entries] == [
        ("key revoked", "audited-1", "a test", START_MS + 9),
        *(("key added", f"audited-{number}", "a test", START_MS + number) for number in (2, 1, 0)),
    ]
    assert (entries[0]["before"], entries[0]["after"]["state"]) == ({"role": "viewer", "state": "in force"}, "revoked")


def test_alerts_are_the_decisions_that_are_not_allowed(filled: tuple[Serving, list[dict[str, Any]]]) -> None:
    running, decisions = filled
    items = running.client.get("/v1/alerts", params={"limit": 500, "kind": "alert"}).json()["items"]
    expected = {one["decision_id"] for one in decisions if one["action"] != "allow"}
    assert {item["alert_id"] for item in items} == expected
    assert expected


def test_a_dead_letter_has_its_reason_and_payload(filled: tuple[Serving, list[dict[str, Any]]]) -> None:
    running, _ = filled
    (letter,) = running.client.get("/v1/dead-letters").json()["items"]
    assert "timestamp" in letter["reason"]
    assert b"4000000000000" in base64.b64decode(letter["payload"])
    assert letter["user_id"] == "R1"


def test_versions_rules_and_bundles_say_what_decides(filled: tuple[Serving, list[dict[str, Any]]]) -> None:
    running, decisions = filled
    versions = running.client.get("/v1/versions").json()
    assert (versions["answers"], versions["rules"]) == ("embedded", "bank")
    bundles = running.client.get("/v1/bundles").json()
    assert bundles["in_force"] == versions["bundle"] == decisions[0]["model"]["bundle"]
    assert [one["bundle"] for one in bundles["decided"]] == [versions["bundle"]]
    rules = running.client.get("/v1/rules").json()
    assert rules["in_force"]["version"] == versions["rules_version"] == decisions[0]["rules"]["version"]
    ids = {rule["id"] for rule in rules["in_force"]["rules"]}
    assert {hit for one in decisions for hit in one["rules"]["hits"]} <= ids
    assert [one["version"] for one in rules["decided"]] == [versions["rules_version"]]


def test_a_console_without_a_scorer_reads_and_decides_nothing(filled: tuple[Serving, Any], tmp_path: Any) -> None:
    with serving(tmp_path, with_scorer=False) as reader:
        assert reader.client.get("/v1/decisions").json() == {"items": [], "next_cursor": None}
        assert reader.client.get("/readyz").json() == {
            "ready": True, "answers": "none", "store": "ready", "store_lag_records": None, "reply_lag_seconds": None,
        }  # fmt: skip
        for path in ("/v1/decisions", "/v1/decisions:batch", "/v1/events", "/predict", "/api/check-fraud"):
            answer = reader.client.post(path, json=payment())
            assert (answer.status_code, answer.json()["type"]) == (503, "urn:fraud:problem:read-only")
