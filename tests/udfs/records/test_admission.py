"""Admission of records by key and time, at the limits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from udfs.records.admission import Admission
from udfs.records.admission_settings import AdmissionSettings
from udfs.records.codec import BadRecord
from udfs.records.events import Label

NOW = 1_767_225_600_000
CEILING = Admission(AdmissionSettings(future_tolerance_ms=1_000, latest_timestamp_ms=NOW))
LABEL = {
    "type": "label", "event_id": "B1", "transaction_id": "T1", "user_id": "U1", "timestamp": NOW - 50, "is_fraud": True,
}  # fmt: skip


def payment(**fields: Any) -> bytes:
    return json.dumps({"transaction_id": "T1", "user_id": "U1", "timestamp": NOW, "amount": 1, **fields}).encode()


@pytest.mark.parametrize(
    ("timestamp", "arrived_at_ms", "past_ms"),
    [
        (NOW, None, 0),
        (NOW + 1, None, 1),
        (NOW + 1, NOW, 0),  # the arrival decides where it is known
        (NOW + 1_000, NOW, 0),
        (NOW + 1_001, NOW, 1),
        (NOW - 10**9, NOW, 0),
        (NOW, NOW - 3_000, 2_000),
    ],
)
def test_the_latest_time_is_the_limit_or_arrival_plus_tolerance(
    timestamp: int, arrived_at_ms: int | None, past_ms: int
) -> None:
    record = payment(timestamp=timestamp)
    if not past_ms:
        assert CEILING.admit(record, "U1", arrived_at_ms).timestamp == timestamp
        return
    with pytest.raises(BadRecord) as refused:
        CEILING.admit(record, "U1", arrived_at_ms)
    assert str(refused.value) == (f"timestamp: {timestamp} lies in the future, {past_ms} ms past what is accepted")


def test_without_limit_and_arrival_any_time_is_accepted() -> None:
    assert Admission(AdmissionSettings()).admit(payment(timestamp=NOW + 10**12)).timestamp == NOW + 10**12


def test_a_label_is_checked_by_its_known_at_time() -> None:
    label = CEILING.admit(json.dumps({**LABEL, "known_at": NOW}).encode(), "U1")
    assert isinstance(label, Label)
    with pytest.raises(BadRecord, match="1 ms past what is accepted"):
        CEILING.admit(json.dumps({**LABEL, "known_at": NOW + 1}).encode(), "U1")


def test_the_key_must_be_the_user_id_as_text() -> None:
    assert CEILING.admit(payment(user_id=7), "7").user_id == "7"
    with pytest.raises(BadRecord, match="user_id: 'U1' is not the key 'U2' that the record was routed by"):
        CEILING.admit(payment(), "U2")


def test_an_invalid_event_is_refused_with_the_codecs_reason() -> None:
    with pytest.raises(BadRecord, match="empty record"):
        CEILING.admit(None, "U1")
    with pytest.raises(BadRecord, match="not JSON"):
        CEILING.admit(b"{", "U1")


def test_unknown_codes_are_counted_if_requested() -> None:
    counts: dict[str, int] = {}
    admission = Admission(AdmissionSettings(), counts)
    for _ in range(2):
        admission.admit(payment(channel="Kiosk"))
    assert counts == {"channel=kiosk": 2}
