from __future__ import annotations

import json

import msgspec
import pytest

from udfs.console_line import console_line
from udfs.outputs import Alert, Duplicate

MOMENT_MS = 1_767_406_447_000  # 2026-01-03T02:14:07Z


def alert(**fields: object) -> bytes:
    values = {
        "alert_id": "a", "user_id": "U000123", "event_time_ms": MOMENT_MS, "action": "hard_block", "risk_score": 934,
        "flags": [], "reasons": [], "transaction_id": "T1", "amount": 412.5, "currency": "USD", "merchant_id": "M00017",
    }  # fmt: skip
    return msgspec.json.encode(Alert(**{**values, **fields}))


def test_an_alert_reads_as_one_sentence_of_facts() -> None:
    line = console_line(alert(reasons=["amount 6.1x this user's mean", "first transaction on this device"]))
    assert line == (
        "2026-01-03 02:14:07  HARD BLOCK        934  user U000123  412.50 USD  at M00017"
        "  — amount 6.1x this user's mean; first transaction on this device"
    )


def test_flags_stand_in_brackets_and_further_reasons_are_counted() -> None:
    line = console_line(alert(flags=["AML", "KYC"], reasons=["a", "b", "c", "d", "e"]))
    assert line.endswith("at M00017  [AML KYC]  — a; b; c (and 2 more)")


def test_an_account_change_has_no_amount() -> None:
    line = console_line(
        alert(action="allow", risk_score=0, flags=["AUDIT"], transaction_id=None, amount=None, currency=None,
              merchant_id=None, reasons=["account status changed"])
    )  # fmt: skip
    assert line == "2026-01-03 02:14:07  ALLOW               0  user U000123  [AUDIT]  — account status changed"


def test_amounts_have_the_digits_of_their_currency() -> None:
    assert "  1,234,567 JPY  " in console_line(alert(amount=1_234_567.0, currency="JPY"))
    assert "  1.235 KWD  " in console_line(alert(amount=1.2349, currency="KWD"))


def test_a_decision_gives_its_reasons_as_objects() -> None:
    decision = {
        "type": "decision", "user_id": "U1", "event_time_ms": 0, "action": "refer_to_analyst", "risk_score": 501,
        "amount": 3.0, "currency": "USD", "reasons": [{"source": "rule", "text": "many", "weight": 1.0}], "model": {},
    }  # fmt: skip
    line = console_line(json.dumps(decision).encode())
    assert line == "1970-01-01 00:00:00  REFER TO ANALYST  501  user U1  3.00 USD  — many"


def test_a_duplicate_is_called_one() -> None:
    record = Duplicate(decision_id="d", transaction_id="T9", user_id="U1", event_time_ms=0)
    line = console_line(msgspec.json.encode(record))
    assert line.split() == ["1970-01-01", "00:00:00", "DUPLICATE", "user", "U1", "transaction", "T9"]


def test_control_characters_of_an_event_do_not_reach_the_terminal() -> None:
    line = console_line(alert(merchant_id="M\x1b[2J\n", reasons=["a\x07b\x9b", "c\u2028d"]))
    assert "M�[2J�" in line
    assert line.endswith("— a�b�; c�d")


def test_anything_else_is_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        console_line(b"[]")
