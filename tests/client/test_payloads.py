"""From the caller's values to JSON."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from client import EventRefused
from client.payloads import event_payload, transaction_payload

BARE = {"transaction_id": "t1", "user_id": "u1", "timestamp": 1_767_225_600_000}


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (Decimal("12.30"), b"12.30"),
        (np.float64(1.5), b"1.5"),
        (np.int64(7), b"7"),
        (np.bool_(True), b"true"),
        (UUID(int=5), b'"00000000-0000-0000-0000-000000000005"'),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), b'"2026-01-02T03:04:05Z"'),
        ({"vip": True, "city_pop": 3}, b'{"vip":true,"city_pop":3}'),
        ("Zürich", '"Zürich"'.encode()),
    ],
)  # fmt: skip
def test_values_of_python_and_numpy_are_sent(value: Any, sent: bytes) -> None:
    assert transaction_payload({**BARE, "x": value}).endswith(b'"x":' + sent + b"}")


@pytest.mark.parametrize("value", [object(), {1, object()}, "\ud800"])
def test_other_values_are_refused(value: Any) -> None:
    with pytest.raises(EventRefused, match="not an event: "):
        transaction_payload({**BARE, "x": value})


def test_given_ids_and_times_are_kept_and_missing_ones_are_made() -> None:
    assert json.loads(transaction_payload(BARE)) == BARE
    made = [json.loads(transaction_payload({"user_id": "u1", "timestamp": None})) for _ in range(2)]
    assert len({event["transaction_id"] for event in made}) == 2
    assert all(0 <= time.time() * 1000 - event["timestamp"] < 60_000 for event in made)


def test_a_label_becomes_known_now_and_keeps_its_transactions_time() -> None:
    label = {"type": "label", "transaction_id": "t1", "user_id": "u1", "is_fraud": True}
    sent = json.loads(event_payload(label))
    assert "timestamp" not in sent
    assert 0 <= time.time() * 1000 - sent["known_at"] < 60_000
