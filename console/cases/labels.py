"""The label that an outcome sends.

`insufficient_data` and `closed` say nothing about the payment, so they send none: a label is taken as truth.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

from console.cases.rows import CaseRow, Outcome
from udfs.records.events import Label

UNDONE = "OUTCOME_UNDONE"
LONGEST_ID = 64
_TRUTH: dict[str, bool] = {"fraud": True, "not_fraud": False}
_encode = msgspec.json.Encoder().encode


def label_of(case: CaseRow, outcome: Outcome, entry: int, now_ms: int) -> Label | None:
    """The label of a closed case; None for an outcome that says nothing, and for an alert without a payment. `entry`: number
    of the journal's entry, which makes the id unique."""
    if outcome not in _TRUTH:
        return None
    return _label(case, _TRUTH[outcome], outcome.upper(), entry, now_ms)


def correction_of(case: CaseRow, outcome: Outcome, entry: int, now_ms: int) -> Label | None:
    """The label that takes back a fraud which was sent already; None where there is nothing to take back."""
    return _label(case, False, UNDONE, entry, now_ms) if outcome == "fraud" else None


def payload_of(label: Label) -> str:
    """JSON of docs/events.md."""
    return _encode(label).decode()


def _label(case: CaseRow, is_fraud: bool, code: str, entry: int, now_ms: int) -> Label | None:
    if case.transaction_id is None:
        return None
    event_id = f"case-{case.decision_id}-{entry}"
    if len(event_id) > LONGEST_ID:
        event_id = "case-" + sha256(event_id.encode()).hexdigest()[:48]
    return Label(
        event_id=event_id, transaction_id=case.transaction_id, user_id=case.user_id, timestamp=case.event_time_ms,
        known_at=max(now_ms, case.event_time_ms), is_fraud=is_fraud, merchant_id=case.merchant_id, resolution_code=code,
    )  # fmt: skip
