"""The command `fraud report`: exit codes, messages, and the page it writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from tests.reporting.hand_made import write_hand_made_run
from tests.reporting.made_runs import decision, write_lines, write_run


def fraud_report(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["report", *map(str, arguments)])


def test_the_summary_is_printed_and_the_page_written_into_the_run(tmp_path: Path) -> None:
    directory = write_hand_made_run(tmp_path / "run")
    result = fraud_report(directory)
    assert result.exit_code == 0, result.output
    assert "Of 4 frauds among 7 transactions, 3 (75.0%) were caught" in result.stdout
    assert result.stdout.rstrip().endswith(f"Report: {directory / 'report.html'}")
    assert (directory / "report.html").read_text().startswith("<!doctype html>")


def test_truth_and_page_paths_can_be_given(tmp_path: Path) -> None:
    directory = write_hand_made_run(tmp_path / "run")
    (directory / "truth.jsonl").rename(tmp_path / "labels.jsonl")
    result = fraud_report(directory, "--truth", tmp_path / "labels.jsonl", "--out", tmp_path / "page.html")
    assert result.exit_code == 0, result.output
    assert "3 of 4 frauds" in (tmp_path / "page.html").read_text()
    assert not (directory / "report.html").exists()


def test_a_given_truth_takes_precedence_over_the_runs(tmp_path: Path) -> None:
    directory = write_hand_made_run(tmp_path / "run")
    write_lines(tmp_path / "other.jsonl", [{"transaction_id": "T3", "user_id": "U3", "is_fraud": True}])
    result = fraud_report(directory, "--truth", tmp_path / "other.jsonl")
    assert "Of 1 fraud among 1 transaction, 0 (0%) were caught" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["absent"], "absent: no such run directory; `fraud score` makes one"),
        (["."], "it has no decisions.jsonl"),
        (["run", "--truth", "absent.jsonl"], "absent.jsonl: cannot be read: No such file or directory"),
        (
            ["run", "--out", "absent/page.html"],
            "absent/page.html: cannot be written: No such file or directory; choose",
        ),
        (["broken"], "decisions.jsonl, line 2: Input data was truncated; score again if the run was interrupted"),
    ],
)
def test_errors_are_one_line_with_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    write_run(tmp_path / "run", [decision(0)])
    broken = write_run(tmp_path / "broken", [decision(0)]) / "decisions.jsonl"
    broken.write_bytes(broken.read_bytes() + b'{"type":"decision","transac')
    monkeypatch.chdir(tmp_path)
    result = fraud_report(*arguments)
    assert result.exit_code == 2
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert message in errors[0]
    assert "Traceback" not in result.output
