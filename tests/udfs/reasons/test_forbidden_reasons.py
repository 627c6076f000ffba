"""The check for forbidden reasons finds all of them, and reports no allowed text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.udfs.reasons.forbidden_reasons import forbidden_reasons


def line(*reasons: dict[str, Any], summary: str | None = "Amount 8.4x this user's mean.", **fields: Any) -> str:
    return json.dumps(
        {
            "type": "decision", "decision_id": "d", "transaction_id": "T1", "action": "hard_block", "risk_score": 900,
            "rules": {"hits": ["new_device"]}, "features": {}, "summary": summary, "reasons": list(reasons), **fields,
        }
    )  # fmt: skip


def reason(text: str, name: str = "x", source: str = "trees", **fields: Any) -> dict[str, Any]:
    return {"source": source, "name": name, "text": text, "weight": 1.0, **fields}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("is manual entry not known", "unknown value"), ("risky city unknown", "unknown value"),
        ("0 km/h since the last transaction", "zero distance"), ("0 km from home", "zero distance"),
        ("same device as the last payment", "lowered risk"), ("a country known for this user", "lowered risk"),
        ("not an online payment", "lowered risk"), ("1 transactions in 5 minutes", "count of one"),
        ("payments on 1 devices in 1 hour", "count of one"), ("hour_sin 0.5", "bare feature name"),
        ("user_txn_per_day 1.2", "bare feature name"), ("velocity score 12", "number of no meaning"),
        ("amount 1.1x this user's mean", "ordinary multiple"), ("amount 0.6x this user's 7-day mean", "ordinary multiple"),
        (" ", "an empty reason"), ("amount {}", "template left over"),
    ],
)  # fmt: skip
def test_forbidden_texts_are_found(text: str, kind: str) -> None:
    (found,) = forbidden_reasons([line(reason(text))])
    assert found.startswith(f"T1: {kind}")


@pytest.mark.parametrize(
    "text",
    [
        "amount 8.4x this user's mean", "amount only 0.02x this user's mean", "10 km from home", "1,500 km from home",
        "first payment on this device", "3 payments in 5 minutes", "resembles no known fraud pattern",
        "11x this user's usual payments a day", "merchant outside the home country (NG)", "21 payments in 1 hour",
    ],
)  # fmt: skip
def test_allowed_texts_are_not_reported(text: str) -> None:
    assert forbidden_reasons([line(reason(text))]) == []


def test_values_that_contradict_the_logged_features_are_found() -> None:
    features = {"device_fraud_rate_30d": 0.01, "account_age_days": None, "amount": 5.0}
    found = forbidden_reasons(
        [
            line(
                reason("fraud rate of this device 1 % in 30 days", "device_fraud_rate_30d", value=0.01),
                reason("account opened 3 days ago", "account_age_days", value=3.0),
                reason("amount 7.00 USD", "amount", value=7.0),
                features=features,
            )
        ]
    )
    assert [text.split(":")[1].split("(")[0].strip() for text in found] == [
        "a prior, or close to it", "evidence of a value that was not there", "value 7.0 where the feature is 5.0",
    ]  # fmt: skip


def test_near_duplicate_reasons_are_found_except_flags() -> None:
    twice = line(reason("amount 8.4x this user's mean"), reason("amount 15 standard deviations above this user's mean"))
    assert "said twice (amount against the user)" in forbidden_reasons([twice])[0]
    flags = line(reason("IP address of a VPN"), reason("PCI: the IP address belongs to a VPN", source="flag"))
    assert forbidden_reasons([flags]) == []


def test_alerts_without_reasons_or_summary_are_found() -> None:
    assert forbidden_reasons([line()]) == ["T1: no reason at all"]
    assert forbidden_reasons([line(reason("round amount"), summary=None)]) == ["T1: no summary: ''"]
    assert forbidden_reasons([line(action="allow"), '{"type": "duplicate"}']) == []


def test_only_the_strongest_alerts_are_read() -> None:
    weak = line(reason("0 km/h since the last payment"), risk_score=10, transaction_id="T0")
    assert forbidden_reasons([weak, line(reason("round amount"))], 1) == []
    assert len(forbidden_reasons([weak, line(reason("round amount"))], None)) == 1
