"""The command `fraud simulate`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.simulate import command
from udfs.records.codec import decode_event

PROJECT = Path(__file__).parents[2]


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments)


def test_writes_the_files_and_prints_a_summary(tmp_path: Path) -> None:
    result = _run(
        "--out", str(tmp_path), "--users", "50", "--days", "5", "--seed", "3", "--start", "2026-03-01T00:00:00+01:00"
    )
    assert result.exit_code == 0, result.output
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    assert manifest["arguments"]["start_ms"] == 1_772_319_600_000
    assert f"500 transactions ({manifest['counts']['frauds']} fraud)" in result.output
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    assert len(lines) == manifest["counts"]["lines"]
    assert all(decode_event(line) for line in lines)
    assert (tmp_path / "truth.jsonl").read_bytes().count(b"\n") == 500


def test_options_set_transactions_patterns_and_labels(tmp_path: Path) -> None:
    result = _run(
        "--out", str(tmp_path), "--transactions", "1200", "--days", "10", "--patterns", "burst, mule_chain", "--no-labels",
        "--fraud-share", "0.02",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    manifest = json.loads((tmp_path / "manifest.json").read_bytes())
    assert manifest["counts"]["transactions"] == 1_200
    assert manifest["counts"]["labels"] == 0
    assert set(manifest["patterns"]) == {"burst", "mule_chain"}
    assert manifest["arguments"]["users"] == 60
    assert "fraud by pattern: burst" in result.output


def test_progress_is_shown_on_standard_error(tmp_path: Path) -> None:
    result = _run("--out", str(tmp_path), "--users", "20", "--days", "3")
    assert "simulating" in result.stderr
    assert "100%" in result.stderr
    assert "simulating" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--users", "0"), "Error: users: 0 is not a whole number from 1 to 10000000"),
        (("--fraud-share", "2"), "Error: fraud-share: 2.0 is not a number from 0 to 0.5"),
        (
            ("--start", "2026-01-01"),
            "Error: --start: '2026-01-01' is not a time with an offset such as 2026-01-01T00:00:00Z",
        ),
        (("--start", "soon"), "Error: --start: 'soon' is not a time with an offset such as 2026-01-01T00:00:00Z"),
        (("--patterns", "burst,magic"), "Error: patterns: 'magic' is not one of account_takeover"),
        (("--patterns", ","), "Error: patterns: at least one name is required"),
        (("--transactions", "10", "--tx-per-day", "2"), "Error: give either --transactions or --tx-per-day, not both"),
        (("--transactions", "10", "--days", "0"), "Error: days: 0 is not a whole number from 1 to 3660"),
    ],
)
def test_invalid_argument_exits_with_code_2_and_one_line(tmp_path: Path, arguments: tuple[str, ...], line: str) -> None:
    result = _run("--out", str(tmp_path / "out"), *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith(line)
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_unwritable_folder_is_named_in_the_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = _run("--out", str(tmp_path / "file" / "out"), "--users", "5", "--days", "2")
    assert result.exit_code == 2
    assert f"Error: cannot write {tmp_path / 'file' / 'out'}" in result.stderr
    assert "choose another --out" in result.stderr


def test_ctrl_c_stops_and_leaves_no_partial_files(tmp_path: Path) -> None:
    program = [sys.executable, "-c", "from cli.simulate import command; command()"]
    process = subprocess.Popen(
        [*program, "--out", str(tmp_path / "out"), "--transactions", "400000"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "out" / "events.jsonl.partial").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted: nothing was written" in errors
    assert list(tmp_path.iterdir()) == []
