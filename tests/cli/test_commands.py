"""The commands end to end, in a process of their own where they start Flink."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import COMMANDS, main
from udfs.features.catalogue import FEATURE_SET_VERSION, NAMES

START = 1_767_225_600
MAPPING = """
kind: transaction
fields:
  transaction_id: {column: id, prefix: T}
  user_id: {column: customer, prefix: C}
  timestamp: {column: when, format: epoch_s}
  amount: eur
  merchant_id: shop
label:
  is_fraud: bad
  delay_days: 7
"""


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_text(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_the_error_of_an_unknown_command_lists_the_commands() -> None:
    result = run("scoer")
    assert result.exit_code == 2
    assert "no command 'scoer'; commands: demo, score" in result.output


def test_features_lists_all_features_and_explains_one() -> None:
    listing = run("features").output
    assert f"{len(NAMES)} features, feature set {FEATURE_SET_VERSION}" in listing
    assert all(name in listing for name in NAMES)
    explained = run("features", "--explain", "amount_zscore").output
    assert "(amount - user_avg_amount) / user_std_amount" in explained
    assert "raised   amount {} above this user's mean\n  lowered  amount {} from this user's mean\n" in explained
    assert "unknown  no earlier payments of this user with different amounts" in explained
    wrong = run("features", "--explain", "amount_zscor")
    assert wrong.exit_code == 2
    assert "close: amount_zscore" in wrong.output


def test_config_check_and_config_explain(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text("{}\n")
    good = tmp_path / "good.yaml"
    good.write_text(f"source: {{kind: file, path: {tmp_path}/events.jsonl}}\nsinks: [{{kind: discard}}]\n")
    assert "valid; file -> discard" in run("config", "check", good).output
    bad = tmp_path / "bad.yaml"
    bad.write_text(f"source: {{kind: file, path: {tmp_path}/nothing.jsonl}}\nsinks: [{{kind: discard}}]\n")
    result = run("config", "check", bad)
    assert result.exit_code == 2
    assert "source.path" in result.output
    assert "state.checkpoint_interval_ms" in run("config", "explain", "state").output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("score", "--input", "nothing.jsonl"), "nothing.jsonl: no such file"),
        (("aggregate", "--events", "nothing.jsonl", "--out", "x"), "nothing.jsonl: cannot be read: No such file"),
        (("train",), "give --bundle and either --events or --transactions with --mapping, or --shipped"),
        (("report", "nowhere"), "nowhere"),
    ],
)
def test_user_errors_are_one_line_with_exit_code_2(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output


def fraud(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own: Flink's JVM keeps the log folder of its first job."""
    command = [sys.executable, "-m", "cli.main", *map(str, arguments)]
    root = Path(__file__).parents[2]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=300, check=False)


def test_score_converts_a_table_and_writes_decisions_and_a_report(tmp_path: Path) -> None:
    with (tmp_path / "mine.csv").open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["id", "customer", "when", "eur", "shop", "bad"])
        for number in range(300):
            writer.writerow(
                [number, number % 7, START + 600 * number, f"{5 + number % 50}.25", number % 5, number % 60 == 0]
            )
    (tmp_path / "m.yaml").write_text(MAPPING)
    done = fraud(
        tmp_path, "score", "--input", tmp_path / "mine.csv", "--mapping", tmp_path / "m.yaml",
        "--decisions", tmp_path / "out.jsonl", "--run", tmp_path / "run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    decisions = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [decision["transaction_id"] for decision in decisions] == [f"T{number}" for number in range(300)]
    assert decisions[14]["features"]["user_txn_count"] == 2.0
    assert decisions[14]["features"]["txn_count_1d"] == 3.0  # customer 0 pays every 70 minutes
    assert decisions[14]["amount"] == 19.25
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["transactions"] == 300
    assert facts["latency_ms"]["p50"] > 0
    assert facts["statistics"] == "computed from the events"
    assert facts["input_coverage"]["transactions"] == 300
    missing = done.stdout.split("missing", 1)[1].split("expected coverage", 1)[0]
    assert "device" in missing
    assert "user profiles" in missing
    assert "<svg" in (tmp_path / "run" / "report.html").read_text()
    assert re.search(r"300\b", done.stdout)


def test_the_error_of_an_incomplete_bundle_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_text(
        '{"transaction_id": "T", "user_id": "U", "timestamp": 1767225600000, "amount": 1}\n'
    )
    (tmp_path / "bundle").mkdir()
    done = fraud(
        tmp_path,
        "score",
        "--input",
        tmp_path / "events.jsonl",
        "--bundle",
        tmp_path / "bundle",
        "--run",
        tmp_path / "run",
    )
    assert done.returncode == 2
    assert "manifest.json" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_demo_prints_at_most_ten_alerts_and_writes_a_report(tmp_path: Path) -> None:
    done = fraud(tmp_path, "demo", "--users", 120, "--days", 20, "--out", tmp_path / "demo")
    assert done.returncode == 0, done.stderr
    alerts = (tmp_path / "demo" / "alerts.jsonl").read_text().splitlines()
    shown = re.findall(r"^2026-01-\d\d \d\d:\d\d:\d\d  .*\n    truth: .+$", done.stdout, re.MULTILINE)
    assert 0 < len(shown) == min(10, len(alerts))
    assert (tmp_path / "demo" / "report.html").is_file()


def test_a_verbose_demo_prints_every_alert(tmp_path: Path) -> None:
    done = fraud(tmp_path, "demo", "--users", 60, "--days", 12, "--verbose", "--out", tmp_path / "demo")
    assert done.returncode == 0, done.stderr
    alerts = (tmp_path / "demo" / "alerts.jsonl").read_text().splitlines()
    assert len(re.findall(r"^2026-01-\d\d \d\d:\d\d:\d\d  ", done.stdout, re.MULTILINE)) == len(alerts) > 0
