"""`fraud rules calibrate` from a file of events to a bundle that a scorer uses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli.main import main
from tests.jobs.event_stream import MINUTE_MS, event_lines, write_events
from udfs.records.outputs import Origin
from udfs.rules.pack_files import shipped_pack
from udfs.rules.rule_map import content_of
from udfs.scoring.bundle import read_manifest
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

EVENTS = event_lines(4_000, seed=21, users=60, step_ms=15 * MINUTE_MS)


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """The event stream with a label, known an hour later, for every fifth payment above 80."""
    labels = []
    for number, line in enumerate(EVENTS):
        event = json.loads(line)
        if "type" not in event and event["amount"] > 80 and number % 5 == 0:
            known_at = event["timestamp"] + 60 * MINUTE_MS
            labels.append(
                {"type": "label", "event_id": f"F{number}", "transaction_id": event["transaction_id"],
                 "user_id": event["user_id"], "timestamp": event["timestamp"], "known_at": known_at, "is_fraud": True}
            )  # fmt: skip
    return write_events(tmp_path / "events.jsonl", [*EVENTS, *(json.dumps(label).encode() for label in labels)])


def calibrated(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["rules", "calibrate", *map(str, arguments), "--workers", "1"])


def test_a_scorer_uses_the_rule_map_of_the_new_bundle(events: Path, bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "calibrated"
    result = calibrated("bank", "--events", events, "--bundle", bundle, "--out", out, "--budget-fpr", "0.05")
    assert result.exit_code == 0, result.output
    manifest, before = read_manifest(out), read_manifest(bundle)
    assert manifest.version != before.version
    assert f"bundle {manifest.name} {manifest.version} in {out}" in result.output
    (rule_map,) = (found for found in manifest.decision.rule_maps if found.content == content_of(shipped_pack("bank")))
    assert f"(map of {rule_map.rows:,} payments)" in result.output
    for points, rate in zip(rule_map.points, rule_map.rates, strict=True):
        assert f"{points:>6}  {rate:>10.3%}" in result.output
    assert manifest.decision.budget["chosen_for"] == {"kind": "false_positive_rate", "rate": 0.05}

    logs = MemoryUserLogs()
    scorer = open_scorer(ScorerConfig(log_features="none"), ScorerPaths(bundle=str(out)), logs)
    maps = set()
    for line in EVENTS[:400]:
        logs.set_current_key(json.loads(line)["user_id"])
        for output in scorer.process(line, logs.key, None, Origin("f")):
            if output.destination == "decisions" and output.action is not None:
                maps.add(json.loads(output.value)["rules"]["map"])
    assert maps == {"calibrated", "none"}


def test_rule_maps_of_other_rules_are_kept(events: Path, bundle: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "name: own\nversion: 3\nscale: [[0, 0], [100, 1000]]\n"
        "rules: [{id: large, points: 60, when: amount > 80, reason: large}]\n"
    )
    first, second = tmp_path / "first", tmp_path / "second"
    assert calibrated("bank", "--events", events, "--bundle", bundle, "--out", first).exit_code == 0
    assert calibrated(own, "--events", events, "--bundle", first, "--out", second).exit_code == 0
    assert [found.rule_set for found in read_manifest(second).decision.rule_maps] == ["bank", "own"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("none.yaml",), "none.yaml: cannot be read"),
        (("bank", "--budget-fpr", "0.1", "--budget-alerts-per-day", "5"), "give one budget"),
        (("bank", "--bundle", "nowhere"), "nowhere: no such bundle folder"),
    ],
)
def test_errors_are_one_line(
    events: Path, bundle: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    given = ("--bundle", bundle) if "--bundle" not in arguments else ()
    result = calibrated(*arguments, "--events", events, *given, "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert message in result.output
    assert not (tmp_path / "out").exists()


def test_the_shipped_bundle_is_not_overwritten(events: Path) -> None:
    result = calibrated("bank", "--events", events)
    assert result.exit_code == 2
    assert "the shipped bundle is not overwritten: give the folder of the new one with --out" in result.output
