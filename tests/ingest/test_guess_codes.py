"""Which columns a guess takes for codes and flags, and how it reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.guess import guess_mapping
from tests.ingest.conversions import converted


def guess_of(folder: Path, header: str, *rows: str) -> tuple[str, list[dict[str, object]]]:
    """The guess of columns beside id, user, timestamp and amount, and the events by it."""
    lines = [f"id,user,timestamp,amount,{header}"]
    lines += [f"{number},u,2024-02-01 10:00:0{number},5.5,{row}" for number, row in enumerate(rows)]
    table = "\n".join(lines) + "\n"
    (folder / "table.csv").write_text(table)
    text = guess_mapping(folder / "table.csv")
    return text, converted(folder, table, text).events


@pytest.mark.parametrize(
    ("flags", "outcomes"),
    [
        (["F", "N", "N"], [True, False, False]),
        (["F", "L"], [True, False]),
        (["f", "G"], [True, False]),
        (["F", "T"], [False, True]),
        (["F", "Y"], [False, True]),
        (["Fraud", "Legit"], [True, False]),
        (["N", "Y"], [False, True]),
    ],
)
def test_f_beside_other_letters_than_true_means_fraud(flags: list[str], outcomes: list[bool], tmp_path: Path) -> None:
    text, events = guess_of(tmp_path, "is_fraud", *flags)
    assert [event["is_fraud"] for event in events if event["type"] == "label"] == outcomes
    assert ("all other values are legitimate" in text) == ("true_values" in text)


def test_f_alone_is_unsure(tmp_path: Path) -> None:
    text, _ = guess_of(tmp_path, "is_fraud", "F", "F")
    assert "is_fraud: is_fraud  # unsure: F is read as false; if it means fraud, set `true_values: [F]`" in text


def test_a_column_of_one_kind_in_the_sample_is_no_kind(tmp_path: Path) -> None:
    text, events = guess_of(tmp_path, "transactionType", "PAYMENT", "PAYMENT")
    assert "  kind: " not in text
    assert events[0]["attributes"] == {"transaction_type": "PAYMENT"}


def test_a_column_with_refunds_or_of_that_name_is_the_kind(tmp_path: Path) -> None:
    text, events = guess_of(tmp_path, "transactionType", "PAYMENT", "REFUND")
    assert "  kind: transactionType\n" in text
    assert [event.get("kind", "purchase") for event in events] == ["purchase", "refund"]
    text, _ = guess_of(tmp_path, "kind", "purchase", "purchase")
    assert "  kind: kind\n" in text


def test_a_fingerprint_is_the_device_before_a_kind_of_device(tmp_path: Path) -> None:
    text, events = guess_of(tmp_path, "device,device_fingerprint", "iOS App,e8e6", "Chrome,77ab")
    assert "  device_id: device_fingerprint\n" in text
    assert [event["device_id"] for event in events] == ["e8e6", "77ab"]


@pytest.mark.parametrize(
    ("amounts", "currency"),
    [(("Ksh 500", "KSh 600"), "KES"), (("RMB 500", "RMB 600"), "CNY"), (("QQQ 5", "QQQ 6"), None)],
)  # fmt: skip
def test_a_currency_beside_amounts_is_one_of_iso_4217(
    amounts: tuple[str, str], currency: str | None, tmp_path: Path
) -> None:
    rows = [f"{number},u,2024-02-01 10:00:0{number},{amount}" for number, amount in enumerate(amounts)]
    table = "\n".join(["id,user,timestamp,amount", *rows, ""])
    (tmp_path / "table.csv").write_text(table)
    events = converted(tmp_path, table, guess_mapping(tmp_path / "table.csv")).events
    assert [event["amount"] for event in events] == [float(amount.split()[1]) for amount in amounts]
    assert [event.get("currency") for event in events] == [currency, currency]
