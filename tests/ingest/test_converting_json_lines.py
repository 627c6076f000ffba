"""Conversion of JSON Lines files, compared with hand-written events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ingest.errors import InputError
from ingest.sources.json_lines_file import HEADER_LINES
from tests.ingest.conversions import PLAIN_MAPPING, converted

NAME = "table.jsonl"
ROW = '{"id": 1, "user": "u", "time": "2024-02-01T10:00:00Z", "amount": 57.10}\n'
EVENT = {"type": "transaction", "transaction_id": "1", "user_id": "u", "timestamp": 1_706_781_600_000, "amount": 57.1}


def test_each_line_makes_an_event_and_blank_lines_are_skipped(tmp_path: Path) -> None:
    assert converted(tmp_path, ROW + "\n" + ROW, name=NAME).events == [EVENT, EVENT]


def test_files_longer_than_the_lines_read_for_column_names(tmp_path: Path) -> None:
    rows = 2 * HEADER_LINES + 1
    text = "".join(ROW.replace('"id": 1', f'"id": {number}') for number in range(rows))
    result = converted(tmp_path, text + "broken\n", name=NAME)
    assert [event["transaction_id"] for event in result.events] == [str(number) for number in range(rows)]
    assert [error["row"] for error in result.errors] == [rows + 1]


def test_an_optional_key_may_be_absent_or_null_in_some_lines(tmp_path: Path) -> None:
    mapping = PLAIN_MAPPING.replace("amount: amount", "amount: amount, city: town")
    text = ROW + ROW.replace("}", ', "town": null}') + ROW.replace("}", ', "town": "Rome"}')
    assert converted(tmp_path, text, mapping, NAME).events == [EVENT, EVENT, {**EVENT, "city": "Rome"}]


def test_optional_key_that_no_line_has_is_rejected(tmp_path: Path) -> None:
    mapping = PLAIN_MAPPING.replace("amount: amount", "amount: amount, city: town")
    with pytest.raises(InputError, match=r"has no column 'town' for city; it has: id, user, time, amount"):
        converted(tmp_path, ROW, mapping, NAME)
    assert list((tmp_path / "out").iterdir()) == []


def test_required_key_that_no_line_has_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no column 'amount' for amount \(did you mean 'amt'\?\)"):
        converted(tmp_path, ROW.replace("amount", "amt"), name=NAME)


def test_a_required_key_that_one_line_lacks_rejects_that_line(tmp_path: Path) -> None:
    result = converted(tmp_path, ROW + ROW.replace('"user": "u", ', ""), name=NAME)
    assert result.events == [EVENT]
    expected = {"input": NAME, "row": 2, "column": "user", "value": None, "expected": "a value (user_id is required)"}
    assert result.errors == [expected]


def test_lines_without_an_object_are_rejected_with_their_number(tmp_path: Path) -> None:
    result = converted(tmp_path, ROW + "\n{broken\n7\n" + "[" * 5000 + "\n" + ROW, name=NAME)
    assert result.events == [EVENT, EVENT]
    assert [(error["row"], error["value"][:7], error["expected"]) for error in result.errors] == [
        (3, "{broken", "a JSON object on one line"),
        (4, "7\n", "a JSON object on one line"),
        (5, "[[[[[[[", "a JSON object on one line"),
    ]


def test_numbers_and_texts_beyond_json_reject_their_line_only(tmp_path: Path) -> None:
    lines = [ROW.replace("57.10", "1" * 5000), ROW.replace('"u"', '"\\ud800"'), ROW.replace("57.10", "1e999"), ROW]
    result = converted(tmp_path, "".join(lines), name=NAME)
    assert result.events == [EVENT]
    assert [error["row"] for error in result.errors] == [1, 2, 3]


def test_ids_of_any_length_are_exact(tmp_path: Path) -> None:
    identifier = "123456789012345678901234567890"
    result = converted(tmp_path, ROW.replace('"id": 1', f'"id": {identifier}'), name=NAME)
    assert result.events == [{**EVENT, "transaction_id": identifier}]


def test_nested_values_are_addressed_by_path(tmp_path: Path) -> None:
    mapping = """
kind: transaction
fields: {transaction_id: id, user_id: $.card.owner.id, timestamp: time, amount: "$.sums[0]"}
"""
    text = '{"id": 1, "card": {"owner": {"id": 5}}, "time": "2024-02-01T10:00:00Z", "sums": [3.5]}\n'
    more = text.replace('{"id": 5}', "{}") + text.replace('{"owner": {"id": 5}}', "9")
    result = converted(tmp_path, text + more, mapping, NAME)
    assert [(event["user_id"], event["amount"]) for event in result.events] == [("5", 3.5)]
    assert [(error["row"], error["column"], error["value"], error["expected"]) for error in result.errors] == [
        (2, "card", None, "a value (user_id is required)"),
        (3, "card", "9", "an object with the key 'owner'"),
    ]


def test_numbers_and_flags_are_not_confused(tmp_path: Path) -> None:
    text = "".join(ROW.replace("57.10", amount) for amount in ("1", "true", "1.0", '"1"', "[1]"))
    result = converted(tmp_path, text, name=NAME)
    assert [event["amount"] for event in result.events] == [1.0, 1.0, 1.0]
    assert [(error["row"], error["value"]) for error in result.errors] == [(2, "True"), (5, "[1]")]


ROWS = [json.loads(ROW), json.loads(ROW) | {"id": 2}]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ROWS), json.dumps(ROWS, indent=2), json.dumps({"status": "ok", "data": ROWS}, indent=2),
        "\n".join(json.dumps(row, indent=2) for row in ROWS), "\ufeff" + json.dumps(ROWS, indent=2),
        f"[{ROW},{ROW.replace('1', '2', 1)}]", json.dumps({"status": "ok", "data": ROWS}),
        "\n" + json.dumps({"meta": {"pages": 1}, "data": ROWS, "errors": []}) + "\n",
    ],
)  # fmt: skip
def test_a_document_is_read_as_its_objects(tmp_path: Path, text: str) -> None:
    result = converted(tmp_path, text, name="table.json")
    assert result.events == [EVENT, {**EVENT, "transaction_id": "2"}]
    assert result.errors == []


def test_one_pretty_printed_object_is_one_row(tmp_path: Path) -> None:
    assert converted(tmp_path, json.dumps(ROWS[0], indent=2), name="table.json").events == [EVENT]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_payment_with_a_list_of_its_items_is_one_row(tmp_path: Path, indent: int | None) -> None:
    row = ROWS[0] | {"items": [{"sku": "a", "price": 1}, {"sku": "b", "price": 2}]}
    assert converted(tmp_path, json.dumps(row, indent=indent), name="table.json").events == [EVENT]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("is_wrapped", [False, True])
def test_nan_in_a_document_is_no_value(tmp_path: Path, is_wrapped: bool, indent: int | None) -> None:
    rows = [ROWS[0] | {"lat": float("nan"), "note": "NaN, -Infinity"}, ROWS[1] | {"lat": 52.5, "note": "x"}]
    text = json.dumps({"rows": rows} if is_wrapped else rows, indent=indent)
    mapping = PLAIN_MAPPING.replace("amount: amount", "amount: amount, latitude: lat, city: note")
    result = converted(tmp_path, text, mapping, "table.json")
    assert result.events == [
        {**EVENT, "city": "NaN, -Infinity"},
        {**EVENT, "transaction_id": "2", "latitude": 52.5, "city": "x"},
    ]
    assert (result.errors, result.lines("dropped.jsonl")) == ([], [])


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("is_document", [False, True])
def test_json_of_another_width_is_read_with_and_without_a_mark(
    tmp_path: Path, encoding: str, is_document: bool
) -> None:
    text = json.dumps(ROWS, indent=1) if is_document else "".join(json.dumps(row) + "\n" for row in ROWS)
    result = converted(tmp_path, text.encode(encoding), name="table.json")
    assert result.events == [EVENT, {**EVENT, "transaction_id": "2"}]


def test_elements_of_an_array_that_are_no_objects_are_rejected(tmp_path: Path) -> None:
    result = converted(tmp_path, json.dumps([ROWS[0], 7, None]), name="table.json")
    assert result.events == [EVENT]
    assert [error["row"] for error in result.errors] == [2, 3]


def test_lines_whose_first_is_broken_are_still_lines(tmp_path: Path) -> None:
    result = converted(tmp_path, '{"id": 1,\n' + ROW, name=NAME)
    assert result.events == [EVENT]
    assert [error["row"] for error in result.errors] == [1]


def test_utf_16_and_nan_are_read(tmp_path: Path) -> None:
    assert converted(tmp_path, (ROW + ROW).encode("utf-16"), name=NAME).events == [EVENT, EVENT]
    text = ROW.replace("}", ', "lat": NaN}')
    assert converted(
        tmp_path, text, PLAIN_MAPPING.replace("amount: amount", "amount: amount, latitude: lat"), NAME
    ).events == [EVENT]


def test_an_empty_file_makes_an_empty_file(tmp_path: Path) -> None:
    assert converted(tmp_path, "", name=NAME).summary.rows == 0
