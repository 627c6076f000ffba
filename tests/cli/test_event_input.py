"""Commands that read a file of events, on files without events, and on events behind a byte-order mark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.event_input import check_events
from cli.main import main
from models.user_shard import routing_key
from udfs.rules.population import load_population

MARK = b"\xef\xbb\xbf"
EVENT = b'{"transaction_id": "T1", "user_id": "U1", "timestamp": 1767225600000, "amount": 12.5}\n'
CSV = b"id,user,amount\n1,U1,2.5\n"
COMMANDS = {
    "score": ("score", "--run", "{}/run", "--input"),
    "stats": ("stats", "--out", "{}/statistics.json", "--events"),
    "train": ("train", "--bundle", "{}/bundle", "--events"),
    "aggregate": ("aggregate", "--out", "{}/reference", "--events"),
    "rules calibrate": ("rules", "calibrate", "bank", "--out", "{}/bundle", "--events"),
    "produce": ("produce", "--servers", "127.0.0.1:1", "--events"),
}
NO_EVENTS = [
    ("empty.jsonl", b"", " is empty: give a file of events, one JSON object a line (docs/events.md)"),
    ("blank.jsonl", b"\n  \n", " is empty: give a file of events, one JSON object a line (docs/events.md)"),
    ("mark.jsonl", MARK, " is empty: give a file of events, one JSON object a line (docs/events.md)"),
    ("mine.csv", CSV, " is a table, not a file of events: "),
    ("mine.jsonl", CSV, " is a table, not a file of events: "),
    ("mine.parquet", b"PAR1\x00\xff\n", " is a table, not a file of events: "),
    ("rubbish.jsonl", b"\x00\xff\xfe\x07 rubbish\n" * 3, " has no event; line 1: not JSON"),
    ("other.jsonl", b'\n{"a": 1}\n', " has no event; line 2: "),
]
CONVERT = "convert it first (fraud convert --guess proposes a mapping)\n"
TABLE_REMEDY = {
    "score": "give its columns with --mapping (fraud convert --guess proposes one)\n",
    "train": "give it as --transactions, its columns with --mapping (fraud convert --guess proposes one)\n",
}


def run(command: str, events: Path, folder: Path) -> Result:
    return CliRunner().invoke(main, [*(part.format(folder) for part in COMMANDS[command]), str(events)])


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("name", "content", "message"), NO_EVENTS, ids=[name for name, _, _ in NO_EVENTS])
def test_a_file_without_events_is_refused_in_one_line_that_names_it(
    command: str, name: str, content: bytes, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    result = run(command, path, tmp_path)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"Error: {path}{message}")
    assert result.stderr.count("\n") == 1
    if "table" in message:
        assert result.stderr.endswith(TABLE_REMEDY.get(command, CONVERT))
    assert sorted(tmp_path.iterdir()) == [path]


def test_training_on_events_without_a_transaction_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"type": "login", "event_id": "L1", "user_id": "U1", "timestamp": 1767225600000}\n')
    result = run("train", path, tmp_path)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == (
        "Error: there is no transaction to train on: give a history with transactions and their labels"
    )


def test_one_event_among_unreadable_lines_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"broken\n" * 50 + EVENT)
    check_events(path)


def test_the_event_behind_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(MARK + EVENT + EVENT.replace(b"T1", b"T2").replace(b"12.5", b"7.5"))
    result = run("stats", path, tmp_path)
    assert result.exit_code == 0
    assert "2 transactions, 0 known frauds" in result.stdout
    statistics = load_population(tmp_path / "statistics.json").statistics
    assert statistics is not None
    assert statistics.snapshots[-1].transactions == 2


def test_training_routes_the_event_behind_a_byte_order_mark_by_its_user() -> None:
    assert routing_key(MARK + EVENT) == json.loads(EVENT)["user_id"] == "U1"
