"""The decision under the names of simpler services."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.console.api.serving import payment, serving, wait_for


def test_check_fraud_has_the_decision_under_its_names(client: httpx.Client) -> None:
    event = payment(user_id="U-check")
    body = client.post("/api/check-fraud", json=event).json()
    decision = client.post("/v1/decisions", json=event).json()
    assert set(body) >= {"transaction_id", "fraud_score", "is_fraud", "risk_level", "factors", "processing_time_ms"}
    assert (body["transaction_id"], body["fraud_score"]) == (event["transaction_id"], decision["probability"])
    assert body["factors"] == [reason["text"] for reason in decision["reasons"]]
    levels = {"allow": "low", "refer_to_analyst": "medium", "soft_challenge": "high", "hard_block": "critical"}
    assert body["risk_level"] == levels[decision["action"]]
    assert body["is_fraud"] == (decision["action"] in ("soft_challenge", "hard_block"))
    assert 0 < body["processing_time_ms"] < 20_000
    assert body["filled_in"] == []
    assert decision["repeated"] is True


def test_predict_has_the_decision_under_its_names(client: httpx.Client) -> None:
    event = payment(user_id="U-predict")
    body = client.post("/predict", json=event).json()
    decision = client.post("/v1/decisions", json=event).json()
    assert set(body) >= {"transaction_id", "fraud_probability", "is_fraud", "prediction_time_ms", "model_version"}
    assert (body["fraud_probability"], body["model_version"]) == (decision["probability"], decision["model"]["bundle"])


@pytest.mark.parametrize("path", ["/api/check-fraud", "/predict"])
def test_a_missing_id_and_time_are_made_and_told(client: httpx.Client, path: str) -> None:
    body = client.post(path, json={"user_id": "U-made", "amount": 3.0, "timestamp": None}).json()
    assert body["filled_in"] == ["transaction_id", "timestamp"]
    assert body["transaction_id"].startswith("made-")
    other = client.post(path, json={"user_id": "U-made", "amount": 3.0}).json()
    assert other["transaction_id"] != body["transaction_id"]
    assert other["repeated"] is False


def test_a_repeat_without_a_time_gets_the_first_decision_also_after_a_restart(tmp_path: Path) -> None:
    event = {"user_id": "U-timeless", "transaction_id": 77, "amount": 3.0}
    with serving(tmp_path) as running:
        first = running.client.post("/predict", json=event).json()
        again = running.client.post("/predict", json=event).json()
        assert (first["repeated"], again["repeated"], again["transaction_id"]) == (False, True, "77")
        wait_for(lambda: running.services.store_lag() == 0)
    with serving(tmp_path) as running:
        again = running.client.post("/predict", json=event)
        assert again.status_code == 200
        assert (again.json()["repeated"], again.json()["fraud_probability"]) == (True, first["fraud_probability"])
        assert running.client.post("/predict", json={**event, "amount": 4.0}).status_code == 409


@pytest.mark.parametrize("body", [b"[]", b"nothing", b'"text"', b"{}", b'{"user_id": [1], "amount": 1}', b"\xff"])
def test_what_is_no_payment_is_refused(client: httpx.Client, body: bytes) -> None:
    for path in ("/api/check-fraud", "/predict"):
        answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
