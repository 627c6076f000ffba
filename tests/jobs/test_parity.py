"""`fraud parity` over runs of the real job: nothing differs, however it was stopped; what was changed is found by name."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from cli.main import main
from jobs.config import JobConfig
from jobs.score_transactions import run, start
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.interruption import PROMPT, wait_for_records
from tests.jobs.outcomes import written_lines

EVENTS = 8_000


def parity(*arguments: str | os.PathLike[str]) -> Result:
    return CliRunner().invoke(main, ["parity", *map(os.fspath, arguments)])


@pytest.fixture(scope="module")
def stopped_and_restored(
    tmp_path_factory: pytest.TempPathFactory, bundle: Path, log_directory: Path
) -> tuple[Path, Path, dict[str, Any]]:
    """Config file and files of decisions of a job that was stopped and went on at another parallelism."""
    folder = tmp_path_factory.mktemp("stopped")
    source = write_events(folder / "events.jsonl", event_lines(EVENTS, seed=5))

    def config(parallelism: int, **state: str) -> JobConfig:
        return JobConfig.model_validate(
            {
                "source": {"kind": "file", "path": str(source)},
                "sinks": [{"kind": "files", "directory": str(folder / "out")}],
                "scoring": {"bundle": str(bundle), "default_timezone": "Asia/Kolkata", "cached_users": 60},
                "flink": {"log_directory": str(log_directory), "parallelism": parallelism, "extra": PROMPT},
                "state": state,
            }
        )

    first = config(1)
    file = folder / "job.yaml"
    file.write_text(yaml.safe_dump(first.model_dump(mode="json")))
    job = start(first)
    wait_for_records(job, 500)
    savepoint = job.stop_with_savepoint(str(folder / "savepoints"))
    assert 0 < len(written_lines(folder / "out", "decisions")) < EVENTS * 0.9
    run(config(2, restore_from=savepoint))
    return file, folder / "out", first.model_dump(mode="json")


def test_a_run_that_was_stopped_and_restored_logs_what_the_log_gives(
    stopped_and_restored: tuple[Path, Path, dict[str, Any]], tmp_path: Path
) -> None:
    config, out, _ = stopped_and_restored
    decided = sum(json.loads(line)["type"] == "decision" for line in written_lines(out, "decisions"))

    for workers in ("1", "2"):
        result = parity("--config", config, "--decisions", out, "--workers", workers, "--out", tmp_path / workers)
        assert result.exit_code == 0, result.output

    report = json.loads((tmp_path / "1").read_bytes())
    assert report["transactions"] == report["compared"] == report["decisions"] == decided > 6_000
    assert report["mismatching"] == report["missing"] == report["surplus"] == report["repeated"] == 0
    assert report == json.loads((tmp_path / "2").read_bytes())


def test_a_changed_value_a_lost_and_an_added_decision_are_each_found_by_name(
    stopped_and_restored: tuple[Path, Path, dict[str, Any]], tmp_path: Path
) -> None:
    config, out, _ = stopped_and_restored
    lines = [line for line in written_lines(out, "decisions") if b'"type":"decision"' in line]
    changed, lost, added = json.loads(lines[1_000]), json.loads(lines[2_000]), json.loads(lines[3_000])
    true_amount = changed["features"]["amount"]
    changed["features"]["amount"] = true_amount + 2.0**-40
    changed["enrichment"] = "degraded"
    added |= {"decision_id": "0" * 32, "transaction_id": "never-sent"}
    kept = [line for number, line in enumerate(lines) if number not in (1_000, 2_000)]
    file = tmp_path / "decisions.jsonl"
    file.write_bytes(b"\n".join([*kept, *kept[:7], json.dumps(changed).encode(), json.dumps(added).encode()]))

    result = parity("--config", config, "--decisions", file, "--workers", "1", "--out", tmp_path / "parity.json")

    assert result.exit_code == 1, result.output
    report = json.loads((tmp_path / "parity.json").read_bytes())
    (difference,) = report["differences"]
    assert (difference["feature"], difference["transactions"]) == ("amount", 1)
    assert difference["example"]["transaction_id"] == changed["transaction_id"]
    assert (difference["logged"], difference["recomputed"]) == (true_amount + 2.0**-40, true_amount)
    assert [place["transaction_id"] for place in report["missing_examples"]] == [lost["transaction_id"]]
    assert [place["transaction_id"] for place in report["surplus_examples"]] == ["never-sent"]
    assert (report["mismatching"], report["mismatching_not_ok"], report["repeated"]) == (1, 1, 7)
    for words in ("amount", changed["transaction_id"], lost["transaction_id"], "never-sent", "1 degraded"):
        assert words in result.output


def test_another_setting_is_found_in_the_features_that_depend_on_it(
    stopped_and_restored: tuple[Path, Path, dict[str, Any]], tmp_path: Path
) -> None:
    _, out, tree = stopped_and_restored
    tree = {**tree, "scoring": tree["scoring"] | {"default_timezone": "UTC"}}
    config = tmp_path / "job.yaml"
    config.write_text(yaml.safe_dump(tree))

    result = parity("--config", config, "--decisions", out / "decisions", "--out", tmp_path / "parity.json")

    assert result.exit_code == 1
    report = json.loads((tmp_path / "parity.json").read_bytes())
    found = {difference["feature"]: difference["transactions"] for difference in report["differences"]}
    assert found["hour_local"] == report["compared"] == report["mismatching"]
    assert "amount" not in found


def test_decisions_that_cannot_be_compared_end_in_one_line(
    configure: Configure, stopped_and_restored: tuple[Path, Path, dict[str, Any]], tmp_path: Path
) -> None:
    config, out, _ = stopped_and_restored
    decision = json.loads(written_lines(out, "decisions")[0])
    for text, words in (
        (b"", "no decisions to compare"),
        (b'{"type":"dead_letter"}\n', "line 1: no decision"),
        (json.dumps(decision | {"features": None}).encode(), "no features to compare"),
    ):
        file = tmp_path / "decisions.jsonl"
        file.write_bytes(text)
        result = parity("--config", config, "--decisions", file)
        assert (result.exit_code, words in result.output) == (2, True), result.output
