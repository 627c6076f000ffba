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
from udfs.records.codec import decode_event
from udfs.records.events import Label, Transaction

START = 1_706_745_600_000  # 2024-02-01T00:00:00Z
A, B, C = START + 10 * 3_600_000, START + 12 * 3_600_000, START + DAY_MS + 10 * 3_600_000
LABELLED = LABELLED_MAPPING.replace("timestamp: time", "timestamp: {column: time, format: epoch_ms}")
PLAIN = PLAIN_MAPPING.replace("timestamp: time", "timestamp: {column: time, format: epoch_ms}")
HEADER = "id,user,time,amount,fraud\n"


def order(result: Converted) -> list[str]:
    """`a` for the transaction a, `a!` for its label."""
    return [event["transaction_id"] + ("!" if event["type"] == "label" else "") for event in result.events]


def table(*rows: tuple[str, int]) -> str:
    return HEADER + "".join(f"{name},u,{time},1,{int(name == 'b')}\n" for name, time in rows)


def test_label_is_placed_at_its_known_at(tmp_path: Path) -> None:
    result = converted(tmp_path, table(("a", A), ("b", B), ("c", C)), LABELLED)
    assert order(result) == ["a", "b", "c", "a!", "b!", "c!"]
    assert result.events[4] == {
        "type": "label",
        "event_id": "label:b",
        "transaction_id": "b",
        "user_id": "u",
        "timestamp": B,
        "known_at": B + DAY_MS,
        "is_fraud": True,
    }
    assert (result.summary.written, result.summary.frauds) == ({"transactions": 3, "labels": 3}, 1)


def test_unsorted_input_is_sorted_by_time(tmp_path: Path) -> None:
    result = converted(tmp_path, table(("c", C), ("b", B), ("a", A)), LABELLED)
    assert order(result) == ["a", "b", "c", "a!", "b!", "c!"]
    assert [line["transaction_id"] for line in result.lines("truth.jsonl")] == ["a", "b", "c"]


def test_rows_with_equal_times_keep_their_order(tmp_path: Path) -> None:
    rows = [(f"t{number}", A) for number in (5, 3, 4, 1)]
    assert order(converted(tmp_path, table(*rows), PLAIN)) == ["t5", "t3", "t4", "t1"]


def test_label_without_delay_follows_its_transaction(tmp_path: Path) -> None:
    mapping = LABELLED.replace("delay_days: 1", "delay_days: 0")
    assert order(converted(tmp_path, table(("b", A), ("a", A)), mapping)) == ["b", "a", "b!", "a!"]


def test_keep_order_moves_labels_only(tmp_path: Path) -> None:
    result = converted(tmp_path, table(("c", C), ("a", A), ("b", C + DAY_MS)), LABELLED, keep_order=True)
    # a's label is known at A + 1 day, the time of c; a follows c in the file, so the label must follow a.
    assert order(result) == ["c", "a", "a!", "b", "c!", "b!"]
    assert [line["transaction_id"] for line in result.lines("truth.jsonl")] == ["c", "a", "b"]


def test_label_may_have_its_own_time_and_resolution(tmp_path: Path) -> None:
    mapping = PLAIN + "label: {is_fraud: fraud, known_at: {column: known, format: epoch_ms}, resolution_code: why}\n"
    text = "id,user,time,amount,fraud,known,why\n" + f"a,u,{A},1,1,{C},chargeback\nb,u,{B},1,,,\nc,u,{C},1,0,{C},\n"
    result = converted(tmp_path, text, mapping)
    assert order(result) == ["a", "b", "c", "a!", "c!"]
    assert (result.events[3]["known_at"], result.events[3]["resolution_code"]) == (C, "chargeback")
    assert result.summary.unlabelled == 1
    assert [line["transaction_id"] for line in result.lines("truth.jsonl")] == ["a", "c"]


INVALID_LABELS = [
    ("2", C, "label.is_fraud", "fraud", "2", "a flag: one of 1, t, true, y, yes or 0, f, false, n, no", None),
    ("1", "", "label", "known", None, "a time (the row has an outcome), or `delay_days` for blank cells", True),
    ("1", "soon", "label.known_at", "known", "soon", "epoch milliseconds between the years 1973 and 9999", True),
    ("1", A - 1, "label", "known", str(A - 1), "a time at or after the transaction's timestamp", True),
]


@pytest.mark.parametrize(("fraud", "known", "field", "column", "value", "expected", "truth"), INVALID_LABELS)
def test_an_invalid_label_is_dropped_and_its_transaction_kept(
    tmp_path: Path, fraud: str, known: object, field: str, column: str, value: str | None, expected: str, truth: bool
) -> None:
    mapping = PLAIN + "label: {is_fraud: fraud, known_at: {column: known, format: epoch_ms}}\n"
    result = converted(tmp_path, f"id,user,time,amount,fraud,known\na,u,{A},1,{fraud},{known}\n", mapping)
    assert order(result) == ["a"]
    assert [line["is_fraud"] for line in result.lines("truth.jsonl")] == ([] if truth is None else [truth])
    assert (result.errors, result.summary.rejected, result.summary.unlabelled) == ([], 0, 1)
    [dropped] = result.lines("dropped.jsonl")
    assert dropped.pop("expected").startswith(expected)
    assert dropped == {"input": "table.csv", "row": 1, "field": field, "column": column, "value": value}
    assert [(one.field, one.values) for one in result.summary.dropped] == [(field, 1)]


@pytest.mark.parametrize(("fraud", "known"), [(case[0], case[1]) for case in INVALID_LABELS])
def test_an_invalid_label_rejects_its_row_on_request(tmp_path: Path, fraud: str, known: object) -> None:
    mapping = PLAIN + "unreadable: reject\nlabel: {is_fraud: fraud, known_at: {column: known, format: epoch_ms}}\n"
    result = converted(tmp_path, f"id,user,time,amount,fraud,known\na,u,{A},1,{fraud},{known}\n", mapping)
    assert (result.events, len(result.errors)) == ([], 1)


def test_a_report_date_on_the_day_of_payment_is_the_end_of_that_day(tmp_path: Path) -> None:
    """A date is the midnight before its transaction; another day's midnight stays as it is."""
    mapping = PLAIN_MAPPING + "timezone: Europe/Berlin\nlabel: {is_fraud: fraud, known_at: reported}\n"
    text = (
        "id,user,time,amount,fraud,reported\n"
        "same,u,2024-03-05 09:30:00,1,1,2024-03-05\n"
        "next,u,2024-03-05 09:30:00,1,1,2024-03-06\n"
        "before,u,2024-03-05 09:30:00,1,1,2024-03-04\n"
    )
    result = converted(tmp_path, text, mapping)
    known = {event["transaction_id"]: event["known_at"] for event in result.events if event["type"] == "label"}
    assert known == {"same": 1_709_679_599_999, "next": 1_709_679_600_000}  # 2024-03-05T22:59:59.999Z, one later
    assert [line["transaction_id"] for line in result.lines("truth.jsonl")] == ["same", "next", "before"]
    assert len(result.lines("dropped.jsonl")) == 1


def test_a_blank_report_date_takes_the_delay_where_the_mapping_has_one(tmp_path: Path) -> None:
    mapping = PLAIN + "label: {is_fraud: fraud, known_at: {column: known, format: epoch_ms}, delay_days: 30}\n"
    text = f"id,user,time,amount,fraud,known\na,u,{A},1,1,{C}\nb,u,{B},1,0,\n"
    result = converted(tmp_path, text, mapping)
    known = {event["transaction_id"]: event["known_at"] for event in result.events if event["type"] == "label"}
    assert known == {"a": C, "b": B + 30 * DAY_MS}
    assert result.lines("dropped.jsonl") == []


def test_label_time_beyond_year_9999_is_dropped(tmp_path: Path) -> None:
    result = converted(tmp_path, "id,user,time,amount,fraud\na,u,9999-12-31T23:00:00Z,1,1\n", LABELLED_MAPPING)
    assert order(result) == ["a"]
    assert [line["expected"] for line in result.lines("dropped.jsonl")] == [
        "a label time (timestamp plus delay) before the year 10000"
    ]


def test_pattern_is_written_to_the_truth_file_only(tmp_path: Path) -> None:
    mapping = LABELLED.replace(
        "delay_days: 1", "delay_days: 1, pattern: {column: kind, lookup: {0: none, 3: mule_chain}}"
    )
    result = converted(tmp_path, f"id,user,time,amount,fraud,kind\na,u,{A},57.16,1,3\nb,u,{B},1,0,0\n", mapping)
    assert result.lines("truth.jsonl") == [
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
    assert "mule_chain" not in (result.folder / "events.jsonl").read_text()


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
    result = converted(tmp_path, text, mapping)
    assert [(event["transaction_id"], event["is_fraud"]) for event in result.events] == [("b", False), ("a", True)]
    assert [(error["row"], error["column"]) for error in result.errors] == [(3, "known")]
    assert result.summary.written == {"labels": 2}


def test_tables_of_several_kinds_merge_in_arrival_order(tmp_path: Path) -> None:
    (tmp_path / "payments.csv").write_text(table(("a", A), ("c", C)))
    (tmp_path / "logins.csv").write_text(f"user,time,ok\nu,{B},no\nu,{A},yes\n")
    (tmp_path / "users.csv").write_text("user,born\nu,1950-06-01\n")
    logins = "kind: login\nfields: {user_id: user, timestamp: {column: time, format: epoch_ms}, success: ok}"
    users = "kind: user_profile\nfields: {user_id: user, date_of_birth: born}"
    inputs = [
        Input(tmp_path / name, parse_mapping(mapping))
        for name, mapping in (("payments.csv", LABELLED), ("logins.csv", logins), ("users.csv", users))
    ]
    result = Converted(tmp_path / "out", convert(inputs, tmp_path / "out"))
    assert [(event["type"], event.get("success")) for event in result.events] == [
        ("transaction", None), ("login", True), ("login", False), ("transaction", None), ("label", None), ("label", None),
    ]  # fmt: skip
    [user] = result.lines("users.jsonl")
    assert (user["user_id"], user["date_of_birth"]) == ("u", -7154 * DAY_MS)
    assert sorted(path.name for path in result.folder.iterdir()) == [
        "dropped.jsonl", "errors.jsonl", "events.jsonl", "truth.jsonl", "users.jsonl",
    ]  # fmt: skip


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    rng = random.Random(7)
    rows = [(f"t{number}", START + rng.randrange(10) * 1000) for number in range(500)]
    text = table(*rows) + "broken,row\n"
    outputs = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        result = converted(tmp_path / name, text, LABELLED)
        outputs.append({path.name: path.read_bytes() for path in sorted(result.folder.iterdir())})
    assert outputs[0] == outputs[1]
    assert sorted(outputs[0]) == ["dropped.jsonl", "errors.jsonl", "events.jsonl", "truth.jsonl"]


def test_every_line_decodes_and_labels_follow_their_transactions(tmp_path: Path) -> None:
    rng = random.Random(11)
    rows = [(f"t{number}", START + rng.randrange(5 * DAY_MS)) for number in range(1000)]
    result = converted(tmp_path, table(*rows), LABELLED)
    seen: set[str] = set()
    newest = 0
    for line in (result.folder / "events.jsonl").read_bytes().splitlines():
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
def test_spool_sorts_like_python_sort(
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
