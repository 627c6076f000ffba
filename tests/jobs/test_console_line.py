from __future__ import annotations

from typing import Any

from udfs.records.console_line import console_line
from udfs.records.outputs import Alert, Decision, Duplicate, FlagNotice, ModelScore, Reason, RuleScore

MOMENT_MS = 1_767_406_447_000  # 2026-01-03T02:14:07Z


def alert(**fields: Any) -> Alert:
    values: dict[str, Any] = {
        "alert_id": "a", "user_id": "U000123", "event_time_ms": MOMENT_MS, "action": "hard_block", "risk_score": 934,
        "flags": [], "reasons": [], "transaction_id": "T1", "amount": 412.5, "currency": "USD", "merchant_id": "M00017",
    }  # fmt: skip
    return Alert(**{**values, **fields})


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


def test_a_decision_gives_its_reasons_and_tags() -> None:
    decision = Decision(
        "d", "T1", "U1", 0, 3.0, "USD", 501, 0.5, 1.0, "refer_to_analyst", ["low_coverage"], ["PCI"], None,
        [Reason("rule", "r", "many", 1.0)], ModelScore("b", 0.5, 0.0, 1.0), RuleScore(1, 0, 0, []), "ok",
    )  # fmt: skip
    assert console_line(decision) == (
        "1970-01-01 00:00:00  REFER TO ANALYST  501  user U1  3.00 USD  [PCI, low coverage]  — many"
    )
    decision.summary = "too much at once"
    assert console_line(decision).endswith("  — too much at once")


def test_a_flag_notice_has_a_score_only_for_payments() -> None:
    notice = FlagNotice(
        flag_id="f", user_id="U1", event_time_ms=0, flags=["KYC"], reasons=["KYC: why"], risk_score=7, amount=2.0,
        currency="EUR",
    )  # fmt: skip
    assert console_line(notice) == "1970-01-01 00:00:00  FLAG                7  user U1  2.00 EUR  [KYC]  — KYC: why"
    change = FlagNotice(flag_id="f", user_id="U1", event_time_ms=0, flags=["AUDIT"], reasons=["changed"])
    assert console_line(change) == "1970-01-01 00:00:00  FLAG                   user U1  [AUDIT]  — changed"


def test_a_duplicate_is_called_one() -> None:
    line = console_line(Duplicate(decision_id="d", transaction_id="T9", user_id="U1", event_time_ms=0))
    assert line == "1970-01-01 00:00:00  DUPLICATE              user U1  transaction T9"


def test_control_characters_of_an_event_do_not_reach_the_terminal() -> None:
    line = console_line(alert(merchant_id="M\x1b[2J\n", reasons=["a\x07b\x9b", "c\u2028d"]))
    assert "M�[2J�" in line
    assert line.endswith("— a�b�; c�d")
