"""Arrival order and labels.

day 1          day 2          day 3
a 10:00 ...... label(a) 10:00
  b 12:00 .... c 10:00  label(b) 12:00 .. label(c) 10:00
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.arrival_order import ArrivalSpool
from ingest.convert import Input, convert
from ingest.mapping import parse_mapping
from tests.ingest.conversions import DAY_MS, LABELLED_MAPPING, PLAIN_MAPPING, Converted, converted
from udfs.codec import decode_event
from udfs.events import Label, Transaction

A, B, C = 10 * 3_600_000, 12 * 3_600_000, DAY_MS + 10 * 3_600_000
LABELLED = LABELLED_MAPPING.replace("timestamp: time", "timestamp: {column: time, format: epoch_ms}")
PLAIN = PLAIN_MAPPING.replace("timestamp: time", "timestamp: {column: time, format: epoch_ms}")
HEADER = "id,user,time,amount,fraud\n"


def order(made: Converted) -> list[str]:
    """`a` for the transaction a, `a!` for its label."""
    return [event["transaction_id"] + ("!" if event["type"] == "label" else "") for event in made.events]


def table(*rows: tuple[str, int]) -> str:
    return HEADER + "".join(f"{name},u,{time},1,{int(name == 'b')}\n" for name, time in rows)


def test_a_label_is_where_it_becomes_known(tmp_path: Path) -> None:
    made = converted(tmp_path, table(("a", A), ("b", B), ("c", C)), LABELLED)
    assert order(made) == ["a", "b", "c", "a!", "b!", "c!"]
    assert made.events[4] == {
        "type": "label",
        "event_id": "label:b",
        "transaction_id": "b",
        "user_id": "u",
        "timestamp": B,
        "known_at": B + DAY_MS,
        "is_fraud": True,
    }
    assert (made.summary.written, made.summary.frauds) == ({"transactions": 3, "labels": 3}, 1)


def test_input_that_is_not_sorted_is_sorted_by_time(tmp_path: Path) -> None:
    made = converted(tmp_path, table(("c", C), ("b", B), ("a", A)), LABELLED)
    assert order(made) == ["a", "b", "c", "a!", "b!", "c!"]
    assert [line["transaction_id"] for line in made.lines("truth.jsonl")] == ["a", "b", "c"]


def test_rows_of_one_time_keep_the_order_of_the_file(tmp_path: Path) -> None:
    rows = [(f"t{number}", A) for number in (5, 3, 4, 1)]
    assert order(converted(tmp_path, table(*rows), PLAIN)) == ["t5", "t3", "t4", "t1"]


def test_a_label_that_is_known_at_once_still_follows_its_transaction(tmp_path: Path) -> None:
    mapping = LABELLED.replace("delay_days: 1", "delay_days: 0")
    assert order(converted(tmp_path, table(("b", A), ("a", A)), mapping)) == ["b", "a", "b!", "a!"]


def test_keep_order_moves_labels_only(tmp_path: Path) -> None:
    made = converted(tmp_path, table(("c", C), ("a", A), ("b", C + DAY_MS)), LABELLED, keep_order=True)
    # a's label is known at A + 1 day, which is the moment of c: it can't arrive before a itself, which comes after c.
    assert order(made) == ["c", "a", "a!", "b", "c!", "b!"]
    assert [line["transaction_id"] for line in made.lines("truth.jsonl")] == ["c", "a", "b"]


def test_a_label_may_tell_its_own_time_and_resolution(tmp_path: Path) -> None:
    mapping = PLAIN + "label: {is_fraud: fraud, known_at: {column: known, format: epoch_ms}, resolution_code: why}\n"
    text = "id,user,time,amount,fraud,known,why\n" + f"a,u,{A},1,1,{C},chargeback\nb,u,{B},1,,,\nc,u,{C},1,0,{C},\n"
    made = converted(tmp_path, text, mapping)
    assert order(made) == ["a", "b", "c", "a!", "c!"]
    assert (made.events[3]["known_at"], made.events[3]["resolution_code"]) == (C, "chargeback")
    assert made.summary.unlabelled == 1
    assert [line["transaction_id"] for line in made.lines("truth.jsonl")] == ["a", "c"]


@pytest.mark.parametrize(
    ("fraud", "known", "column", "value", "expected"),
    [
        ("2", C, "fraud", "2", "a flag: one of 1, t, true, y, yes or 0, f, false, n, no"),
        ("1", "", "known", None, "a time (the row has an outcome)"),
        ("1", A - 1, "known", str(A - 1), "a time at or after the transaction's timestamp"),
    ],
)
def test_a_row_with_a_wrong_label_is_rejected_as_a_whole(
    tmp_path: Path, fraud: str, known: object, column: str, value: str | None, expected: str
) -> None:
    mapping = PLAIN + "label: {is_fraud: fraud, known_at: {column: known, format: epoch_ms}}\n"
    made = converted(tmp_path, f"id,user,time,amount,fraud,known\na,u,{A},1,{fraud},{known}\n", mapping)
    assert (made.events, made.lines("truth.jsonl")) == ([], [])
    assert made.errors == [{"input": "table.csv", "row": 1, "column": column, "value": value, "expected": expected}]


def test_a_label_beyond_the_last_year_is_rejected_so_that_every_event_decodes(tmp_path: Path) -> None:
    made = converted(tmp_path, table(("a", 253_402_300_799_999)), LABELLED)
    assert made.events == []
    assert [error["expected"] for error in made.errors] == [
        "a time of which the label's delay stays before the year 10000"
    ]


def test_the_pattern_is_in_the_truth_and_nowhere_else(tmp_path: Path) -> None:
    mapping = LABELLED.replace(
        "delay_days: 1", "delay_days: 1, pattern: {column: kind, lookup: {0: none, 3: mule_chain}}"
    )
    made = converted(tmp_path, f"id,user,time,amount,fraud,kind\na,u,{A},57.16,1,3\nb,u,{B},1,0,0\n", mapping)
    assert made.lines("truth.jsonl") == [
        {
            "transaction_id": "a",
            "user_id": "u",
            "timestamp": A,
            "amount": 57.16,
            "is_fraud": True,
            "pattern": "mule_chain",
        },
        {"transaction_id": "b", "user_id": "u", "timestamp": B, "amount": 1.0, "is_fraud": False, "pattern": None},
    ]
    assert "mule_chain" not in (made.folder / "events.jsonl").read_text()


def test_a_table_of_labels_is_placed_by_known_at(tmp_path: Path) -> None:
    mapping = """
kind: label
fields:
  transaction_id: id
  user_id: user
  timestamp: {column: time, format: epoch_ms}
  known_at: {column: known, format: epoch_ms}
  is_fraud: {column: outcome, true_values: [FRAUD]}
"""
    text = f"id,user,time,known,outcome\na,u,{A},{C},FRAUD\nb,u,{B},{B},OK\nc,u,{C},{A},OK\n"
    made = converted(tmp_path, text, mapping)
    assert [(event["transaction_id"], event["is_fraud"]) for event in made.events] == [("b", False), ("a", True)]
    assert [(error["row"], error["column"]) for error in made.errors] == [(3, "known")]
    assert made.summary.written == {"labels": 2}


def test_tables_of_several_kinds_make_one_file_in_arrival_order(tmp_path: Path) -> None:
    (tmp_path / "payments.csv").write_text(table(("a", A), ("c", C)))
    (tmp_path / "logins.csv").write_text(f"user,time,ok\nu,{B},no\nu,{A},yes\n")
    (tmp_path / "users.csv").write_text("user,born\nu,1950-06-01\n")
    logins = "kind: login\nfields: {user_id: user, timestamp: {column: time, format: epoch_ms}, success: ok}"
    users = "kind: user_profile\nfields: {user_id: user, date_of_birth: born}"
    inputs = [
        Input(tmp_path / name, parse_mapping(mapping))
        for name, mapping in (("payments.csv", LABELLED), ("logins.csv", logins), ("users.csv", users))
    ]
    made = Converted(tmp_path / "out", convert(inputs, tmp_path / "out"))
    assert [(event["type"], event.get("success")) for event in made.events] == [
        ("transaction", None), ("login", True), ("login", False), ("transaction", None), ("label", None), ("label", None),
    ]  # fmt: skip
    [user] = made.lines("users.jsonl")
    assert (user["user_id"], user["date_of_birth"]) == ("u", -7154 * DAY_MS)
    assert sorted(path.name for path in made.folder.iterdir()) == [
        "errors.jsonl", "events.jsonl", "truth.jsonl", "users.jsonl",
    ]  # fmt: skip


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    rng = random.Random(7)
    rows = [(f"t{number}", rng.randrange(10) * 1000) for number in range(500)]
    text = table(*rows) + "broken,row\n"
    outputs = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        made = converted(tmp_path / name, text, LABELLED)
        outputs.append({path.name: path.read_bytes() for path in sorted(made.folder.iterdir())})
    assert outputs[0] == outputs[1]
    assert sorted(outputs[0]) == ["errors.jsonl", "events.jsonl", "truth.jsonl"]


def test_every_line_decodes_and_no_label_comes_before_its_transaction(tmp_path: Path) -> None:
    rng = random.Random(11)
    rows = [(f"t{number}", rng.randrange(5 * DAY_MS)) for number in range(1000)]
    made = converted(tmp_path, table(*rows), LABELLED)
    seen: set[str] = set()
    newest = 0
    for line in (made.folder / "events.jsonl").read_bytes().splitlines():
        event = decode_event(line)
        assert isinstance(event, Transaction | Label)
        if isinstance(event, Label):
            assert event.transaction_id in seen
        else:
            seen.add(event.transaction_id)
        arrival = event.known_at if isinstance(event, Label) else event.timestamp
        assert arrival >= newest
        newest = arrival
    assert len(seen) == 1000


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans(), st.binary(max_size=5)), max_size=60))
@settings(deadline=None, max_examples=80)
def test_the_spool_sorts_as_pythons_sort_does(
    tmp_path_factory: pytest.TempPathFactory, lines: list[tuple[int, bool, bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    expected = sorted(lines, key=lambda line: (line[0], line[1]))
    with ArrivalSpool(folder) as spool, (folder / "out").open("wb") as target:
        for time, is_label, content in lines:
            spool.add(time, content + b"\n", is_label)
        assert sum(spool.write_to(target)) == len(lines) == len(spool)
    assert (folder / "out").read_bytes() == b"".join(content + b"\n" for _, _, content in expected)
    assert [path.name for path in folder.iterdir()] == ["out"]


def test_more_lines_than_a_block_are_all_written_in_order(tmp_path: Path) -> None:
    numbers = list(range(70_000))
    random.Random(3).shuffle(numbers)
    with ArrivalSpool(tmp_path) as spool, (tmp_path / "out").open("wb") as target:
        for number in numbers:
            spool.add(number, b"%d\n" % number)
        blocks: list[Any] = list(spool.write_to(target))
    assert blocks == [65_536, 4_464]
    assert (tmp_path / "out").read_text() == "".join(f"{number}\n" for number in range(70_000))
