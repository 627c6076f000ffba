"""`--lists`: named lists of rules in commands that evaluate rules without a running job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from cli.main import main
from client import CannotOpen, EmbeddedSettings, FraudDetector
from models.training_data import training_frame
from tests.console.api.serving import console_process, payment, stored
from udfs.rules.list_files import lists_of
from udfs.scoring.settings import ScorerConfig, ScorerPaths

START_MS = 1_767_225_600_000
RULES = """
name: own
version: 2
scale: [[0, 0], [50, 600]]
rules:
  - {id: mule, points: 50, when: user_id in @mules, reason: mule}
  - {id: town, points: 5, when: city in @towns, reason: town}
"""
UNKNOWN = [
    "own.yaml: rule mule: unknown list '@mules' at column 12 (give or publish the list first)",
    "own.yaml: rule town: unknown list '@towns' at column 9 (give or publish the list first)",
]
MULES, CITIES = ("U3", "U8"), ("Pune", "Oslo", "Lyon")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(RULES)
    return path


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    folder = tmp_path / "lists"
    folder.mkdir()
    until = START_MS + 150 * 60_000
    (folder / "mules.yaml").write_text(
        f"{{name: mules, type: user, version: 4, entries: [U3, {{value: U8, expires_at: {until}}}]}}"
    )
    (folder / "towns.yml").write_text("{name: towns, type: city, version: 1, entries: [Pune, Goa]}")
    return folder


def events_of(count: int = 300) -> list[dict[str, Any]]:
    return [
        {
            "transaction_id": f"T{number}", "user_id": f"U{number % 11}", "timestamp": START_MS + number * 60_000,
            "amount": 10.0 + number % 7, "city": CITIES[number % 3],
        }
        for number in range(count)
    ]  # fmt: skip


def expected_hits(event: dict[str, Any]) -> list[str]:
    """By the entries of the lists above."""
    is_mule = event["user_id"] == "U3" or (event["user_id"] == "U8" and event["timestamp"] < START_MS + 150 * 60_000)
    return ["mule"] * is_mule + ["town"] * (event["city"] == "Pune")


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(event) + "\n" for event in events_of()))
    return path


def fraud(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def commands(rules: Path, events: Path, folder: Path, bundle: Path) -> list[tuple[object, ...]]:
    """Each command that takes rules and lists, up to its lists."""
    return [
        ("score", "--input", events, "--rules", rules, "--run", folder / "run"),
        ("train", "--events", events, "--rules", rules, "--bundle", folder / "made", "--quick"),
        ("rules", "calibrate", rules, "--events", events, "--bundle", bundle, "--out", folder / "made"),
        ("console", "--rules", rules, "--port", 0, "--store", f"sqlite:///{folder / 's'}", "--log", folder / "log"),
    ]


def test_rules_with_a_list_that_was_not_given_are_refused_at_the_start(
    rules: Path, events: Path, tmp_path: Path, bundle: Path
) -> None:
    for command in commands(rules, events, tmp_path, bundle):
        result = fraud(*command)
        assert result.exit_code == 2, (command, result.output)
        lines = [line.removeprefix("Error: ") for line in result.output.splitlines()]
        told = [line.replace(" at column 12", "").replace(" at column 9", "") for line in UNKNOWN]
        assert lines == (told if command[0] == "train" else UNKNOWN), command
        assert sorted(path.name for path in tmp_path.iterdir()) == ["events.jsonl", "own.yaml"], command


def test_lists_that_cannot_be_read_are_told_in_the_same_line_by_all(
    rules: Path, events: Path, lists: Path, tmp_path: Path, bundle: Path
) -> None:
    (lists / "towns.yml").write_text("{name: towns, type: planet, version: 1}")
    checked = fraud("rules", "check", rules, "--lists", lists)
    assert (checked.exit_code, checked.output.count("\n")) == (2, 1)
    assert checked.output.startswith("Error: towns.yml: Invalid enum value 'planet'")
    for command in commands(rules, events, tmp_path, bundle):
        result = fraud(*command, "--lists", lists)
        assert (result.exit_code, result.output) == (2, checked.output), command
    gone = fraud(*commands(rules, events, tmp_path, bundle)[0], "--lists", tmp_path / "gone.yaml")
    assert gone.output == f"Error: {tmp_path / 'gone.yaml'}: cannot be read: No such file or directory\n"


def test_a_scored_run_decides_by_the_lists_and_keeps_where_they_are(
    rules: Path, events: Path, lists: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    result = fraud("score", "--input", events, "--rules", rules, "--lists", lists, "--run", run, "--no-report")
    assert result.exit_code == 0, result.output
    decisions = list(map(json.loads, (run / "decisions.jsonl").read_bytes().splitlines()))
    assert [one["rules"]["hits"] for one in decisions] == [expected_hits(event) for event in events_of()]
    assert {json.dumps(one["rules"]["lists"]) for one in decisions} == {'{"mules": 4, "towns": 1}'}
    assert json.loads((run / "run.json").read_bytes())["lists"] == {"mules": 4, "towns": 1}
    again = fraud("rules", "backtest", rules, "--over", run, "--format", "json")
    assert again.exit_code == 0, again.output
    hits = {rule["id"]: rule["hits"] for rule in json.loads(again.stdout)["rule_figures"]}
    assert hits == {
        name: sum(name in expected_hits(event) for event in events_of()) for name in ("mule", "town")
    }  # fmt: skip
    replayed = fraud("replay", "--run", run, "--transaction", "T3", "--json")
    assert replayed.exit_code == 0, replayed.output
    parts = {one["rule"]["id"]: one["parts"] for one in json.loads(replayed.stdout)["rules"]}
    assert parts == {
        "mule": [{"text": "user_id in @mules", "truth": True, "values": {"user_id": "U3"}, "depth": 0}],
        "town": [{"text": "city in @towns", "truth": True, "values": {"city": "Pune"}, "depth": 0}],
    }  # fmt: skip


def test_one_file_is_enough_for_rules_that_refer_to_one_list(events: Path, lists: Path, tmp_path: Path) -> None:
    rules = tmp_path / "one.yaml"
    rules.write_text(RULES.replace("  - {id: town, points: 5, when: city in @towns, reason: town}\n", ""))
    run = tmp_path / "run"
    result = fraud(
        "score", "--input", events, "--rules", rules, "--lists", lists / "mules.yaml", "--run", run, "--no-report"
    )
    assert result.exit_code == 0, result.output
    decisions = list(map(json.loads, (run / "decisions.jsonl").read_bytes().splitlines()))
    mules = [[hit for hit in expected_hits(event) if hit == "mule"] for event in events_of()]
    assert [one["rules"]["hits"] for one in decisions] == mules


def test_training_replays_the_rules_with_their_lists(rules: Path, events: Path, lists: Path) -> None:
    frame = training_frame(events, ScorerConfig(), ScorerPaths(bundle="", rules=str(rules), lists=str(lists)))
    points = {"mule": 50, "town": 5}
    assert frame.rule_points is not None
    assert frame.rule_points.tolist() == [sum(points[hit] for hit in expected_hits(event)) for event in events_of()]


def test_the_embedded_console_and_the_sdk_decide_by_the_lists(rules: Path, lists: Path, tmp_path: Path) -> None:
    options = ("--rules", str(rules), "--lists", str(lists))
    with console_process(tmp_path, *options) as (_, url), httpx.Client(base_url=url) as client:
        for user, city, hits in (("U3", "Pune", ["mule", "town"]), ("U4", "Goa", ["town"]), ("U4", "Oslo", [])):
            sent = payment(user_id=user, city=city)
            answer = client.post("/v1/decisions", json=sent).json()
            assert stored(client, answer["decision_id"])["rules"]["hits"] == hits
    settings = EmbeddedSettings(tmp_path / "sdk.sqlite", rules=str(rules), lists=lists)
    with FraudDetector(embedded=settings) as detector:
        scored = detector.predict(payment(user_id="U3")).rules
        assert scored is not None
        assert (scored.hits, scored.lists) == (("mule",), {"mules": 4, "towns": 1})
    with pytest.raises(CannotOpen, match="unknown list '@mules'"):
        FraudDetector(embedded=EmbeddedSettings(tmp_path / "other.sqlite", rules=str(rules)))


def test_the_lists_of_a_file_and_of_its_folder_are_the_same(lists: Path) -> None:
    of_file, of_folder = lists_of(str(lists / "mules.yaml")), lists_of(str(lists))
    assert sorted(of_folder) == ["mules", "towns"]
    assert of_file["mules"].named_list == of_folder["mules"].named_list
