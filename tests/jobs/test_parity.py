"""`fraud parity` over runs of the job: no differences after stops and restores; planted changes are reported by name."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from click.testing import CliRunner, Result

from cli.main import main
from jobs.config.job import JobConfig
from jobs.score_transactions import run, start
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.interruption import PROMPT, wait_for_records
from tests.jobs.outcomes import written_lines
from udfs.records.logged_features import features_of, pack_features
from udfs.scoring.bundle import content_version, encode_manifest, read_manifest

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
                "scoring": {"bundle": str(bundle), "default_timezone": "Asia/Kolkata"},
                "flink": {"log_directory": str(log_directory), "parallelism": parallelism, "extra": PROMPT},
                "state": {"cache_mb": 0.2, **state},
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


def test_parity_holds_for_a_stopped_and_restored_run(
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


def test_changed_missing_and_surplus_decisions_are_reported_by_name(
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


def packed(decision: dict[str, Any], feature_set: str | None = None) -> dict[str, Any]:
    """The same decision as the job makes it with `log_features: packed`."""
    values = list(features_of(decision, {}).values())
    return decision | {
        "features": None,
        "feature_set": feature_set or decision["feature_set"],
        "features_packed": base64.b64encode(pack_features(values)).decode(),
    }


def test_packed_features_are_compared_like_those_by_name(
    stopped_and_restored: tuple[Path, Path, dict[str, Any]], tmp_path: Path
) -> None:
    config, out, _ = stopped_and_restored
    decisions = [json.loads(line) for line in written_lines(out, "decisions") if b'"type":"decision"' in line]
    file = tmp_path / "decisions.jsonl"
    mixed = [packed(decision) if number % 2 else decision for number, decision in enumerate(decisions)]
    file.write_text("".join(json.dumps(decision) + "\n" for decision in mixed))

    result = parity("--config", config, "--decisions", file, "--workers", "1")
    assert result.exit_code == 0, result.output

    true_amount = decisions[1_001]["features"]["amount"]
    decisions[1_001]["features"]["amount"] = true_amount + 2.0**-40
    mixed[1_001] = packed(decisions[1_001])
    file.write_text("".join(json.dumps(decision) + "\n" for decision in mixed))

    result = parity("--config", config, "--decisions", file, "--workers", "1", "--out", tmp_path / "parity.json")
    assert result.exit_code == 1, result.output
    report = json.loads((tmp_path / "parity.json").read_bytes())
    (difference,) = report["differences"]
    assert (difference["feature"], difference["transactions"]) == ("amount", 1)
    assert (difference["logged"], difference["recomputed"]) == (true_amount + 2.0**-40, true_amount)


def test_features_packed_under_an_earlier_set_are_named_by_its_bundle(
    stopped_and_restored: tuple[Path, Path, dict[str, Any]], bundle: Path, tmp_path: Path
) -> None:
    """The earlier set lacks one feature of today's; all others are compared."""
    config, out, _ = stopped_and_restored
    decisions = [json.loads(line) for line in written_lines(out, "decisions") if b'"type":"decision"' in line]
    earlier = bundle_of_earlier_set(bundle, tmp_path / "earlier", "amount_log")
    for decision in decisions:
        del decision["features"]["amount_log"]
    file = tmp_path / "decisions.jsonl"
    file.write_text("".join(json.dumps(packed(decision, "f00d")) + "\n" for decision in decisions))

    result = parity("--config", config, "--decisions", file)
    assert (result.exit_code, "give the bundle that it was scored with" in result.output) == (2, True), result.output

    arguments = ("--bundle", earlier, "--out", tmp_path / "parity.json")
    result = parity("--config", config, "--decisions", file, *arguments)
    assert result.exit_code == 1, result.output
    report = json.loads((tmp_path / "parity.json").read_bytes())
    assert (report["not_logged"], report["not_recomputed"], report["differences"]) == (["amount_log"], [], [])


def bundle_of_earlier_set(bundle: Path, folder: Path, without: str) -> Path:
    """A manifest as an earlier version made it, whose feature set f00d lacks a feature."""
    manifest = read_manifest(bundle)
    names = tuple(name for name in manifest.feature_names if name != without)
    manifest = msgspec.structs.replace(manifest, feature_set_version="f00d", feature_names=names)
    manifest = msgspec.structs.replace(manifest, version=content_version(manifest))
    folder.mkdir()
    (folder / "manifest.json").write_bytes(encode_manifest(manifest))
    return folder


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
    decision = next(line for line in map(json.loads, written_lines(out, "decisions")) if line["type"] == "decision")
    for text, words in (
        (b"", "no decisions to compare"),
        (b'{"type":"dead_letter"}\n', "decision: Invalid value 'dead_letter'"),
        (json.dumps(decision | {"features": None}).encode(), "no features to compare"),
        (
            json.dumps(decision | {"features": None, "feature_set": "f00d", "features_packed": "AAAA"}).encode(),
            "line 1: the features are packed under feature set f00d, whose names are not known",
        ),
    ):
        file = tmp_path / "decisions.jsonl"
        file.write_bytes(text)
        result = parity("--config", config, "--decisions", file)
        assert (result.exit_code, words in result.output) == (2, True), result.output
