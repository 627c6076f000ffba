"""The examples of the OpenAPI document."""

from __future__ import annotations

from typing import Any

EXAMPLE_TIME = "2026-01-05T12:00:00Z"
EXAMPLE_TIME_MS = 1_767_614_400_000

PAYMENT_EXAMPLE: dict[str, Any] = {
    "transaction_id": "T1",
    "user_id": "U1",
    "timestamp": EXAMPLE_TIME,
    "amount": 129.9,
    "currency": "EUR",
    "merchant_id": "M1",
    "merchant_category": "5732",
    "channel": "ecommerce",
    "device_id": "D1",
    "country": "DE",
}
LOGIN_EXAMPLE: dict[str, Any] = {
    "type": "login",
    "event_id": "E1",
    "user_id": "U1",
    "timestamp": EXAMPLE_TIME,
    "device_id": "D1",
    "success": True,
}
LABEL_EXAMPLE: dict[str, Any] = {
    "type": "label",
    "event_id": "E2",
    "transaction_id": "T1",
    "user_id": "U1",
    "timestamp": EXAMPLE_TIME,
    "known_at": "2026-01-12T09:30:00Z",
    "is_fraud": True,
}
DECISION_EXAMPLE: dict[str, Any] = {
    "decision_id": "6f1c2a0d9b7e4f58a1c3d5e7f9012345",
    "transaction_id": "T1",
    "user_id": "U1",
    "action": "refer_to_analyst",
    "repeated": False,
    "degraded": None,
    "risk_score": 612,
    "probability": 0.6119,
    "coverage": 0.82,
    "event_time_ms": EXAMPLE_TIME_MS,
    "amount": 129.9,
    "currency": "EUR",
    "merchant_id": "M1",
    "tags": [],
    "flags": [],
    "summary": "Referred to an analyst: the device is new and the amount is far above the user's mean.",
    "reasons": [
        {
            "source": "rule",
            "name": "new_device",
            "text": "The device was never used before by this user.",
            "weight": 212.0,
        }
    ],
    "model": {"bundle": "0123456789abcdef", "probability": 0.41, "xgboost": -0.36, "anomaly": 0.9},
    "rules": {"version": 3, "score": 300, "points": 45, "hits": ["new_device"], "map": "calibrated"},
    "enrichment": "not_configured",
    "late": False,
    "stale_history": False,
    "control_versions": {},
    "feature_set": "1f2e3d4c5b6a7988",
}
ERASURE_EXAMPLE: dict[str, Any] = {
    "event_id": "erasure-0f1e2d3c4b5a6978",
    "is_forgotten": True,
    "removed": {"decisions": 12, "alerts": 1, "events": 14, "dead_letters": 0},
    "held": [{"where": "backups of the store", "what": "all rows of their moment", "until_ms": None}],
}
BATCH_ANSWER_EXAMPLE: dict[str, Any] = {
    "results": [{"status": 200, "decision": DECISION_EXAMPLE}, {"status": 202, "event_id": "E1"}],
    "failed": 0,
}
CHECK_FRAUD_EXAMPLE: dict[str, Any] = {
    "transaction_id": "T1",
    "fraud_score": 0.6119,
    "is_fraud": False,
    "risk_level": "medium",
    "factors": ["The device was never used before by this user."],
    "processing_time_ms": 2.31,
    "action": "refer_to_analyst",
    "repeated": False,
    "degraded": None,
    "filled_in": ["timestamp"],
}
PREDICT_EXAMPLE: dict[str, Any] = {
    "transaction_id": "T1",
    "fraud_probability": 0.6119,
    "is_fraud": False,
    "prediction_time_ms": 2.31,
    "model_version": "0123456789abcdef",
    "action": "refer_to_analyst",
    "repeated": False,
    "degraded": None,
    "filled_in": [],
}
PROBLEM_EXAMPLE: dict[str, Any] = {
    "type": "urn:fraud:problem:event-refused",
    "title": "Unprocessable Entity",
    "status": 422,
    "detail": "user_id: '' is not an id of 1 to 64 printable ASCII characters without spaces",
    "request_id": "9f86d081884c7d65",
}
