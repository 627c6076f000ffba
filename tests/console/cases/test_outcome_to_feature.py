"""An outcome is a label, which the next decision's features and the rule's precision know."""

from __future__ import annotations

import re
from pathlib import Path

import httpx

from tests.console.api.serving import payment, serving, wait_for
from tests.console.cases.outcomes import close_as, prior_frauds, written_rules


def test_a_closed_case_changes_the_next_decision_and_the_rules_precision(tmp_path: Path) -> None:
    with serving(tmp_path, rules=written_rules(tmp_path), label_delay_ms=50) as running:
        client, now_ms = running.client, running.services.now_ms()
        user = {"user_id": "U-outcome"}
        first = client.post("/v1/decisions", json=payment(**user, timestamp=now_ms - 60_000, amount=900)).json()
        second = client.post("/v1/decisions", json=payment(**user, timestamp=now_ms - 50_000, amount=901)).json()
        assert first["action"] == second["action"] == "refer_to_analyst"
        assert not prior_frauds(client, **user, timestamp=now_ms - 40_000)
        close_as(client, first["decision_id"], "fraud")
        close_as(client, second["decision_id"], "not_fraud")
        wait_for(lambda: "Label sent: Fraud." in client.get(f"/alerts/{first['decision_id']}").text)
        assert prior_frauds(client, **user, timestamp=running.services.now_ms() + 1_000) == 1
        rule = client.get("/rules/large").text
        assert re.search(r'id="frauds">1<', rule)
        assert "50.0 % (9.5 % \N{EN DASH} 90.5 %)" in rule
        expected = {first["transaction_id"]: True, second["transaction_id"]: False}
        wait_for(lambda: labels_of(client, "U-outcome") == expected)


def labels_of(client: httpx.Client, user_id: str) -> dict[str, bool]:
    """What the store has of the user's payments."""
    items = client.get(f"/v1/users/{user_id}/timeline").json()["items"]
    return {item["event"]["transaction_id"]: item["event"]["is_fraud"] for item in items if item["kind"] == "label"}
