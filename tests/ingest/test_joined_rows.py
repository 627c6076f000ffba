"""Rows joined with transactions by their id: chargeback files without user and time, and tables of features."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ingest.convert import Input, convert
from ingest.mapping import parse_mapping
from tests.ingest.conversions import DAY_MS, PLAIN_MAPPING, Converted

START = 1_706_745_600_000  # 2024-02-01T00:00:00Z
PAYMENTS = "id,user,time,amount\n" + "".join(f"{name},u{name},2024-02-01,{amount}\n" for name, amount in
                                             (("a", 5), ("b", 6), ("c", 7.5)))  # fmt: skip
CHARGEBACKS = """
kind: label
fields:
  transaction_id: tx
  known_at: reported
  is_fraud: {column: outcome, true_values: [FRAUD], false_values: [OK]}
  resolution_code: code
"""
FEATURES = "kind: features\nfields: {transaction_id: tx}\nattributes: {past_payments: n, segment: s}\n"
HEADER = "tx,reported,outcome,code\n"


def joined(folder: Path, *tables: tuple[str, str], payments: tuple[str, ...] = (PAYMENTS,)) -> Converted:
    """Convert payments and the tables that join them, each with its mapping."""
    named = [(f"payments{number}.csv", text, PLAIN_MAPPING) for number, text in enumerate(payments)]
    named += [(f"joined{number}.csv", text, mapping) for number, (text, mapping) in enumerate(tables)]
    inputs = []
    for name, text, mapping in named:
        (folder / name).write_text(text)
        inputs.append(Input(folder / name, parse_mapping(mapping)))
    return Converted(folder / "out", convert(inputs, folder / "out"))


def truth(result: Converted) -> list[tuple[str, bool, str | None]]:
    lines = result.lines("truth.jsonl")
    return [(line["transaction_id"], line["is_fraud"], line.get("resolution_code")) for line in lines]


def labels(result: Converted) -> list[dict[str, Any]]:
    return [event for event in result.events if event["type"] == "label"]


def test_a_chargeback_takes_user_and_time_of_its_transaction(tmp_path: Path) -> None:
    result = joined(tmp_path, (HEADER + "b,2024-02-11,FRAUD,10.4\nc,2024-02-05,OK,\n", CHARGEBACKS))
    by_transaction = {event["transaction_id"]: event for event in labels(result)}
    assert by_transaction["b"].pop("event_id").startswith("label:")
    assert by_transaction["b"] == {
        "type": "label",
        "transaction_id": "b",
        "user_id": "ub",
        "timestamp": START,
        "known_at": START + 10 * DAY_MS,
        "is_fraud": True,
        "resolution_code": "10.4",
    }
    assert (by_transaction["c"]["user_id"], by_transaction["c"]["known_at"]) == ("uc", START + 4 * DAY_MS)
    assert truth(result) == [("a", False, None), ("b", True, "10.4"), ("c", False, None)]
    assert (result.summary.frauds, result.summary.profile.frauds, result.errors) == (1, 1, [])


def test_a_chargeback_without_a_time_column_is_known_after_the_delay(tmp_path: Path) -> None:
    mapping = "kind: label\ndelay_days: 30\nfields: {transaction_id: tx, is_fraud: {value: true}}\n"
    result = joined(tmp_path, ("tx\nb\n", mapping))
    assert [(event["transaction_id"], event["known_at"]) for event in labels(result)] == [("b", START + 30 * DAY_MS)]
    assert truth(result) == [("a", False, None), ("b", True, None), ("c", False, None)]


def test_a_transaction_that_comes_twice_is_a_fraud_both_times(tmp_path: Path) -> None:
    """Exports that overlap: the file of truth counts by its last line."""
    payments = (PAYMENTS, "id,user,time,amount\nb,ub,2024-02-01,6\n")
    result = joined(tmp_path, (HEADER + "b,2024-02-11,FRAUD,x\n", CHARGEBACKS), payments=payments)
    assert [line for line in truth(result) if line[0] == "b"] == [("b", True, "x"), ("b", True, "x")]
    assert [event["transaction_id"] for event in labels(result)] == ["b"]
    assert result.summary.profile.frauds == 2


def test_another_user_s_transaction_of_the_same_id_has_no_known_truth(tmp_path: Path) -> None:
    payments = (PAYMENTS, "id,user,time,amount\nb,other,2024-02-01,6\n")
    result = joined(tmp_path, (HEADER + "b,2024-02-11,FRAUD,x\n", CHARGEBACKS), payments=payments)
    lines = result.lines("truth.jsonl")
    assert [(line["user_id"], line["is_fraud"]) for line in lines] == [("ua", False), ("ub", True), ("uc", False)]


def test_a_chargeback_whose_date_cannot_be_used_leaves_its_payment_a_fraud(tmp_path: Path) -> None:
    """Blank, unreadable, and before the payment: no label, as nothing says when it was known."""
    rows = "a,,FRAUD,x\nb,soon,FRAUD,x\nc,2024-01-03,FRAUD,x\n"
    result = joined(tmp_path, (HEADER + rows, CHARGEBACKS))
    assert [line[:2] for line in truth(result)] == [("a", True), ("b", True), ("c", True)]
    assert labels(result) == []
    assert [(error["row"], error["column"]) for error in result.errors] == [
        (1, "reported"),
        (2, "reported"),
        (3, "reported"),
    ]
    assert (result.summary.profile.labelled, result.summary.profile.frauds) == (3, 3)


def test_a_chargeback_whose_outcome_cannot_be_read_leaves_the_truth_unknown(tmp_path: Path) -> None:
    result = joined(tmp_path, (HEADER + "b,2024-02-11,maybe,\n", CHARGEBACKS))
    assert [line[:2] for line in truth(result)] == [("a", False), ("c", False)]
    assert [(error["row"], error["column"], error["value"]) for error in result.errors] == [(1, "outcome", "maybe")]


def test_the_newest_of_several_labels_is_the_truth(tmp_path: Path) -> None:
    """A chargeback that was reversed later, in any order of the rows."""
    rows = "a,2024-02-20,OK,reversed\na,2024-02-10,FRAUD,10.4\nb,2024-02-10,OK,\nb,2024-02-20,FRAUD,10.4\n"
    result = joined(tmp_path, (HEADER + rows, CHARGEBACKS))
    assert truth(result) == [("a", False, "reversed"), ("b", True, "10.4"), ("c", False, None)]
    assert len(labels(result)) == 4


def test_a_chargeback_of_no_transaction_of_the_run_is_rejected(tmp_path: Path) -> None:
    result = joined(tmp_path, (HEADER + "zz,2024-02-11,FRAUD,\nb,2024-02-11,FRAUD,\n", CHARGEBACKS))
    [error] = result.errors
    assert (error["row"], error["column"], error["value"]) == (1, "tx", "zz")
    assert error["expected"] == "the id of a transaction of the same run (they are joined by it)"


def test_features_are_attributes_of_their_transaction(tmp_path: Path) -> None:
    """Also of one that comes twice, which would differ from itself otherwise."""
    payments = (PAYMENTS, "id,user,time,amount\nb,ub,2024-02-01,6\n")
    result = joined(tmp_path, ("tx,n,s\nb,3,gold\nc,4.5,\nzz,1,x\n", FEATURES), payments=payments)
    attributes = [(event["transaction_id"], event.get("attributes")) for event in result.events]
    assert sorted(attributes, key=str) == [
        ("a", None),
        ("b", {"past_payments": 3.0, "segment": "gold"}),
        ("b", {"past_payments": 3.0, "segment": "gold"}),
        ("c", {"past_payments": 4.5}),
    ]
    assert [(error["row"], error["column"], error["value"]) for error in result.errors] == [(3, "tx", "zz")]
    assert result.lines("truth.jsonl") == []


def test_more_attributes_than_a_transaction_may_have_are_told_once(tmp_path: Path) -> None:
    names = [f"f{number}" for number in range(10)]
    tables = []
    for half in ("x", "y"):
        columns = {f"{half}{name}": name for name in names}
        mapping = f"kind: features\nfields: {{transaction_id: tx}}\nattributes: {columns}\n".replace("'", "")
        tables.append((f"tx,{','.join(names)}\nb,{','.join(map(str, range(10)))}\n", mapping))
    result = joined(tmp_path, *tables)
    [event] = [event for event in result.events if event["transaction_id"] == "b"]
    assert event["attributes"] == {f"xf{number}": float(number) for number in range(10)}
    assert [(error["row"], error["value"]) for error in result.errors] == [(1, "20")]
