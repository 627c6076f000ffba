"""Truth files and labels: precedence among several, and their transactions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reporting.errors import RunFilesError
from reporting.run_files import read_run
from reporting.summary import Accuracy, summarize
from reporting.truth import read_truth
from tests.reporting.made_runs import decision, write_lines, write_run


def label(number: int, is_fraud: bool, known_at: Any, **more: Any) -> dict[str, Any]:
    return {
        "type": "label",
        "event_id": f"L{number}-{known_at}",
        "transaction_id": f"T{number}",
        "user_id": f"U{number % 5}",
        "timestamp": 1,
        "known_at": known_at,
        "is_fraud": is_fraud,
        **more,
    }


def accuracy_with(tmp_path: Path, lines: list[Any], decisions: list[Any]) -> Accuracy:
    write_lines(tmp_path / "labels.jsonl", lines)
    accuracy = summarize(read_run(write_run(tmp_path / "run", decisions), tmp_path / "labels.jsonl")).accuracy
    assert accuracy is not None
    return accuracy


def test_labels_among_other_events_are_read(tmp_path: Path) -> None:
    other = {"type": "login", "event_id": "E", "user_id": "U0", "timestamp": 5}
    accuracy = accuracy_with(tmp_path, [other, label(0, True, 10), label(1, False, 10)], [decision(0), decision(1)])
    assert (accuracy.labelled, accuracy.frauds) == (2, 1)


def test_the_label_with_the_latest_known_at_wins_in_any_order(tmp_path: Path) -> None:
    lines = [label(0, False, 30), label(0, True, 20), label(1, True, "2026-01-01T00:00:01Z"), label(1, False, 999)]
    accuracy = accuracy_with(tmp_path, lines, [decision(0), decision(1)])
    assert (accuracy.labelled, accuracy.frauds) == (2, 1)


def test_of_labels_with_the_same_known_at_the_last_line_wins(tmp_path: Path) -> None:
    lines = [label(0, False, 30), label(0, True, 30), label(1, True, 30), label(1, False, 30)]
    accuracy = accuracy_with(tmp_path, lines, [decision(0, amount=7.0), decision(1)])
    assert (accuracy.frauds, accuracy.amount_of_frauds) == (1, 7.0)


def test_a_transaction_is_identified_by_user_and_transaction_id(tmp_path: Path) -> None:
    decisions = [
        decision(0, user_id="A", transaction_id="T0"),
        decision(1, user_id="B", transaction_id="T0", amount=3.0),
    ]
    lines = [{"transaction_id": "T0", "user_id": "B", "is_fraud": True}]
    accuracy = accuracy_with(tmp_path, lines, decisions)
    assert (accuracy.labelled, accuracy.unlabelled, accuracy.amount_of_frauds) == (1, 1, 3.0)


def test_integer_ids_match_their_decimal_text(tmp_path: Path) -> None:
    lines = [{"transaction_id": 17, "user_id": 4, "is_fraud": 1}]
    accuracy = accuracy_with(tmp_path, lines, [decision(0, transaction_id="17", user_id="4")])
    assert accuracy.frauds == 1


def test_losses_are_summed_by_resolution_code(tmp_path: Path) -> None:
    decisions = [
        decision(0, amount=5.0, action="hard_block"),
        decision(1, amount=7.0),
        decision(2, amount=1.0, action="refer_to_analyst"),
        decision(3, amount=50.0),
    ]
    lines = [
        label(0, True, 9, resolution_code="fraud"),
        label(1, True, 9, resolution_code="fraud"),
        label(2, False, 9, resolution_code="not fraud"),
        label(3, False, 9),
    ]
    rows = accuracy_with(tmp_path, lines, list(decisions)).resolutions
    assert [(row.resolution_code, row.count, row.amount, row.stopped, row.amount_stopped) for row in rows] == [
        ("fraud", 2, 12.0, 1, 5.0),
        ("not fraud", 1, 1.0, 1, 1.0),
    ]


@pytest.mark.parametrize(
    "line",
    [
        {"transaction_id": "T0", "user_id": "U0", "timestamp": 1, "amount": 3.0},
        {"transaction_id": "T0", "is_fraud": True},
        {"user_id": "U0", "is_fraud": True},
        {"transaction_id": "T0", "user_id": "U0", "is_fraud": 2},
    ],
)
def test_the_error_of_an_invalid_line_names_file_and_line(tmp_path: Path, line: dict[str, Any]) -> None:
    write_lines(tmp_path / "truth.jsonl", [{"transaction_id": "T1", "user_id": "U0", "is_fraud": False}, line])
    with pytest.raises(RunFilesError, match=r"truth\.jsonl, line 2: neither a truth line \(transaction_id, user_id"):
        read_truth(tmp_path / "truth.jsonl")


def test_a_byte_order_mark_before_the_first_line_is_ignored(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"transaction_id":"T0","user_id":"U0","is_fraud":true}\n'
        b'{"transaction_id":"T1","user_id":"U1","is_fraud":false}\n'
    )
    truth = read_truth(path)
    assert sorted(truth.is_fraud.tolist()) == [False, True]
    accuracy = summarize(read_run(write_run(tmp_path / "run", [decision(0), decision(1)]), path)).accuracy
    assert accuracy is not None
    assert (accuracy.labelled, accuracy.frauds) == (2, 1)
