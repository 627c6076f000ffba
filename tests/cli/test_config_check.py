"""`fraud config check` finds all that would stop a start of the job."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from cli.main import main
from models.default_bundle import DEFAULT_STATISTICS
from tests.jobs.event_stream import event_lines, write_events
from tests.servers.ports import free_ports

USER = '{"user_id": "U1", "kyc_level": 2}\n'
RULE = """\
name: mine
version: 1
scale: [[0, 0], [50, 600]]
rules:
  - {id: big, points: 100, when: amonut > 5, reason: big}
"""


@pytest.fixture
def tree(bundle: Path, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "users.jsonl").write_text(USER)
    return {
        "source": {"kind": "file", "path": str(write_events(tmp_path / "events.jsonl", event_lines(20)))},
        "sinks": [{"kind": "discard"}],
        "scoring": {
            "bundle": str(bundle),
            "reference": str(tmp_path / "reference"),
            "statistics": str(DEFAULT_STATISTICS),
        },
        "flink": {"log_directory": str(tmp_path / "logs")},
    }


def check(tree: dict[str, Any], tmp_path: Path, *options: str) -> tuple[int, str]:
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(tree))
    done = CliRunner().invoke(main, ["config", "check", str(file), "--quiet", *options])
    return done.exit_code, done.output


def test_a_job_that_would_start_is_valid(tree: dict[str, Any], tmp_path: Path) -> None:
    assert check(tree, tmp_path) == (0, f"{tmp_path}/job.yaml: valid; file -> discard, parallelism 1\n")


def test_rules_whose_input_is_configured_nowhere_are_listed(tree: dict[str, Any], tmp_path: Path) -> None:
    del tree["scoring"]["reference"]
    code, output = check(tree, tmp_path)
    assert code == 0
    (warning,) = [line for line in output.splitlines() if line.startswith("warning: not configured: ")]
    assert "user profiles (users.jsonl, or the store); " in warning
    assert warning.endswith(": monthly_spend_share, far_from_home, unusual_distance_from_home, "
        "merchant_in_high_risk_country, merchant_abroad, merchant_abroad_user_at_home, young_account")  # fmt: skip
    tree["store"] = {"kind": "redis"}
    assert "not configured" not in check(tree, tmp_path, "--offline")[1]


def test_rules_that_compare_with_statistics_are_listed_where_none_are_given(
    tree: dict[str, Any], tmp_path: Path
) -> None:
    del tree["scoring"]["statistics"]
    code, output = check(tree, tmp_path)
    assert code == 0
    assert output.splitlines()[1:] == [
        "warning: not configured: population statistics (`fraud stats`, scoring.statistics); 3 rules need it and cannot hit "
        "by it: large_amount_without_otp, unusual_distance_from_home, risky_city"
    ]


def test_a_damaged_bundle_is_found(tree: dict[str, Any], bundle: Path, tmp_path: Path) -> None:
    damaged = shutil.copytree(bundle, tmp_path / "damaged")
    model = damaged / "model.onnx"
    model.write_bytes(model.read_bytes()[:-100])
    tree["scoring"]["bundle"] = str(damaged)
    code, output = check(tree, tmp_path)
    assert code == 2
    assert output.startswith("Error: scoring: ")
    assert model.name in output


def test_a_wrong_rule_is_found_with_its_file_and_id(tree: dict[str, Any], tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULE)
    tree["scoring"]["rules"] = str(rules)
    code, output = check(tree, tmp_path)
    assert code == 2
    assert "rules.yaml: rule big: unknown name 'amonut'" in output


def test_a_folder_without_reference_files_and_an_unreadable_row_are_found(tree: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "reference" / "users.jsonl").write_text(USER + "no json\n")
    code, output = check(tree, tmp_path)
    assert code == 2
    assert "users.jsonl" in output
    assert "line 2" in output
    (tmp_path / "reference" / "users.jsonl").unlink()
    code, output = check(tree, tmp_path)
    assert code == 2
    assert f"{tmp_path}/reference: none of the reference files is there" in output


def test_checkpoints_that_would_be_forgotten_are_found(tree: dict[str, Any], tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoints" / "job" / "chk-1"
    checkpoint.mkdir(parents=True)
    (checkpoint / "_metadata").write_bytes(b"")
    tree["state"] = {"checkpoint_dir": str(tmp_path / "checkpoints")}
    code, output = check(tree, tmp_path)
    assert code == 2
    assert "holds checkpoints of an earlier run (the newest: job/chk-1)" in output
    assert check(tree, tmp_path, "--offline")[0] == 0


def test_a_broker_that_does_not_answer_is_found_unless_offline(tree: dict[str, Any], tmp_path: Path) -> None:
    server = f"127.0.0.1:{free_ports(1)[0]}"
    tree["source"] = {"kind": "kafka", "connection": {"bootstrap_servers": server}}
    code, output = check(tree, tmp_path)
    assert code == 2
    assert output.count("\n") == 1
    assert f"Kafka at {server}: connection refused" in output or "connector" in output
    assert check(tree, tmp_path, "--offline")[0] == 0
