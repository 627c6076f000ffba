"""Rules are checked before anything starts: all problems, with file and rule."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from jobs.config.errors import ConfigError
from jobs.config.loading import parse_config
from jobs.config.rules import check_rules
from jobs.score_transactions import start

RULES = """
name: own
version: 2
scale: [[0, 0], [50, 600]]
rules:
  - {id: large, points: 10, when: amonut > 100, reason: large}
  - {id: kinds, points: 10, when: kind == "chargeback", reason: "{x}"}
  - {id: all, points: 10, when: amount >= 0, reason: all}
"""
ERRORS = [
    "own.yaml: rule large: unknown name 'amonut' at column 1 (did you mean 'amount'?)",
    "own.yaml: rule kinds: unknown name 'x' at column 2",
    "own.yaml: rule kinds: 'chargeback' is not a known kind at column 9 (known are purchase, refund, reversal)",
]
WARNING = "own.yaml: warning: rule all: the condition is always true, whatever the known values are"
VALID = RULES.replace("amonut", "amount").replace("chargeback", "refund").replace("{x}", "x")


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(RULES)
    return path


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text('{"transaction_id": "T1", "user_id": "U1", "timestamp": 1767225600000, "amount": 1.0}\n')
    return path


@pytest.fixture
def config(tmp_path: Path, events: Path, rules: Path, bundle: Path) -> Path:
    path = tmp_path / "job.yaml"
    path.write_text(
        f"source: {{kind: file, path: {events}}}\nsinks: [{{kind: discard}}]\n"
        f"scoring: {{bundle: {bundle}, rules: {rules}}}\n"
    )
    return path


def test_config_check_lists_what_is_wrong_about_the_rules(config: Path, rules: Path) -> None:
    result = run("config", "check", config, "--quiet")
    assert result.exit_code == 2
    assert result.output.splitlines() == [f"Error: {ERRORS[0]}", *ERRORS[1:]]
    rules.write_text(VALID)
    result = run("config", "check", config, "--quiet")
    assert result.exit_code == 0
    assert result.output.splitlines()[1:] == [WARNING]


def test_score_lists_what_is_wrong_about_the_rules_and_does_nothing(events: Path, rules: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    result = run("score", "--input", events, "--rules", rules, "--run", out)
    assert result.exit_code == 2, result.output
    assert result.output.splitlines() == [f"Error: {ERRORS[0]}", *ERRORS[1:]]
    assert not (out / "statistics.json").exists()


def test_a_job_with_invalid_rules_does_not_start(events: Path, rules: Path, bundle: Path) -> None:
    config = parse_config(
        {
            "source": {"kind": "file", "path": str(events)},
            "sinks": [{"kind": "discard"}],
            "scoring": {"bundle": str(bundle), "rules": str(rules)},
        },
        "job.yaml",
    )
    with pytest.raises(ConfigError) as refused:
        start(config)
    assert str(refused.value).splitlines() == ERRORS


def test_files_elsewhere_are_not_looked_at(bundle: Path) -> None:
    assert check_rules("s3://bucket/own.yaml", str(bundle)) == []
    assert check_rules("bank", str(bundle)) == []
