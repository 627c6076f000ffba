"""JSON and Python literals in text columns: parsing, rejection, and output columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import MappingError, UnreadableValue
from ingest.literals import parse_literal
from ingest.paths import follow, parse_path
from tests.ingest.conversions import PLAIN_MAPPING, converted

USERS = """
kind: user_profile
fields: {user_id: user}
nested:
  - {column: scores, into: risk_score_history, path: "$.history[*].score", type: "list[float]"}
  - {column: where, into: address_history, type: "list[text]"}
  - {column: where, into: extra.newest, path: "$[0]", type: text}
"""
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}),
        ("{'a': [1, 2.5, 'x', None, True]}", {"a": [1, 2.5, "x", None, True]}),
        ("{'a': null, 'b': true, 'c': false}", {"a": None, "b": True, "c": False}),
        ("{'it': \"it's\"}", {"it": "it's"}),
        ("[(1, 2), -3]", [[1, 2], -3]),
        ("{1: 'one'}", {"1": "one"}),
        (" 'text' ", "text"),
        ('"((((((((((((((((((((((((((((((((((((((((("', "(" * 41),
    ],
)
def test_json_and_python_literals_are_read(text: str, value: object) -> None:
    assert parse_literal(text) == value


@given(JSON_VALUES)
@settings(deadline=None, max_examples=100)
def test_python_repr_is_parsed_back(value: object) -> None:
    assert parse_literal(repr(value)) == value


@pytest.mark.parametrize(
    "text",
    [
        *(
            "{'a': ",
            "{'a' 1}",
            "[1, 2",
            "nan",
            "[NaN]",
            "{1, 2}",
            "b'x'",
            "1j",
            "__import__('os').getcwd()",
            "a.b",
            "{[]: 1}",
        ),
        *(
            "[x for x in y]",
            "f'{1}'",
            "{**{}}",
            "-" * 50_000 + "1",
            "not " * 20_000 + "1",
            "1" + "+1" * 40_000,
            "\ud800",
        ),
    ],
)
def test_other_texts_are_rejected_and_never_evaluated(text: str) -> None:
    with pytest.raises(UnreadableValue, match=r"^JSON or a Python literal \("):
        parse_literal(text)


def test_size_and_depth_are_bounded() -> None:
    assert parse_literal("[" * 32 + "]" * 32) is not None
    for deep in ("[" * 33 + "]" * 33, "(" * 100_000, "{'a':" * 33):
        with pytest.raises(UnreadableValue, match="JSON nested at most 32 deep"):
            parse_literal(deep)
    with pytest.raises(UnreadableValue, match="JSON of at most 1,000,000 characters"):
        parse_literal(f'"{"x" * 1_000_000}"')


def test_paths() -> None:
    value = {"a": [{"b": 1}, {"b": 2}, {}], "x y": {"c": None}}
    assert follow(value, parse_path("$")) == value
    assert follow(value, parse_path("$.a[1].b")) == 2
    assert follow(value, parse_path("$.a[*].b")) == [1, 2, None]
    assert follow(value, parse_path("$.a[7].b")) is None
    assert follow(value, parse_path("$.x y.c.d")) is None
    assert follow(value, parse_path(["a", 0, "b"])) == 1
    with pytest.raises(UnreadableValue, match=r"a list \(for the step \[0\]\)"):
        follow(value, parse_path("$[0]"))
    with pytest.raises(UnreadableValue, match="an object with the key 'b'"):
        follow(value, parse_path("$.a.b"))
    for wrong in ("a.b", "$a", "$.a[", "$.a[x]", "$..a", "$."):
        with pytest.raises(MappingError):
            parse_path(wrong)


def test_nested_histories_are_typed_and_extras_go_to_their_file(tmp_path: Path) -> None:
    table = pa.table(
        {
            "user": [1, 2, 3],
            "scores": ["{'history': [{'score': 1}, {'score': '2.5'}]}", '{"history": []}', None],
            "where": ["['Rome', 'Oslo']", '["Ostia (\\"RM\\")"]', ""],
        }
    )
    result = converted(tmp_path, table, USERS, "users.parquet")
    assert result.errors == []
    assert [
        (user["user_id"], user["risk_score_history"], user["address_history"]) for user in result.lines("users.jsonl")
    ] == [
        ("1", [1.0, 2.5], ["Rome", "Oslo"]),
        ("2", [], ['Ostia ("RM")']),
        ("3", [], []),
    ]
    assert result.lines("extra.jsonl") == [
        {"row": 1, "user_id": "1", "newest": "Rome"},
        {"row": 2, "user_id": "2", "newest": 'Ostia ("RM")'},
        {"row": 3, "user_id": "3", "newest": None},
    ]
    assert result.events == []


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ("{'history': [1", "JSON or a Python literal ("),
        ("[1, 2]", "an object with the key 'history'"),
        ("{'history': 5}", "a list (for the step [*])"),
        (
            "{'history': [{'score': 'high'}]}",
            "a list of numbers: its element 0 is not a number at its path for risk_score",
        ),
        (
            "{'history': [{'score': 1}, {}]}",
            "a list of numbers: its element 1 is not a value at its path for risk_score",
        ),
        (
            "{'history': [{'score': 1e999}]}",
            "a list of numbers: its element 0 is not a number at its path for risk_score",
        ),
    ],
)
def test_unparsable_nested_text_is_reported_and_not_treated_as_blank(
    tmp_path: Path, scores: str, expected: str
) -> None:
    table = pa.table({"user": [1, 2], "scores": [None, scores], "where": ["[]", "[]"]})
    result = converted(tmp_path, table, USERS, "users.parquet")
    assert [(user["user_id"], user["risk_score_history"]) for user in result.lines("users.jsonl")] == [
        ("1", []),
        ("2", []),
    ]
    [error] = result.lines("dropped.jsonl")
    assert (error["row"], error["column"], error["value"]) == (2, "scores", scores)
    assert error["expected"].startswith(expected)


def test_a_nested_value_may_be_read_further_as_a_column(tmp_path: Path) -> None:
    mapping = PLAIN_MAPPING.replace("time: ", "").replace(
        "timestamp: time", 'timestamp: {column: when, format: "%d.%m.%Y"}'
    )
    mapping += "nested: [{column: details, into: when, path: $.day, type: text}]\n"
    result = converted(tmp_path, "id|user|amount|details\n1|2|3|{'day': '01.02.2024'}\n", mapping)
    assert [event["timestamp"] for event in result.events] == [1_706_745_600_000]


def test_native_lists_and_objects_need_no_parsing(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"user": 1, "scores": {"history": [{"score": 7}]}, "where": ["Rome"]}]
    result = converted(tmp_path, pa.Table.from_pylist(rows), USERS, "users.parquet")
    assert [(user["risk_score_history"], user["address_history"]) for user in result.lines("users.jsonl")] == [
        ([7.0], ["Rome"])
    ]
