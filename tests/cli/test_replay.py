"""`fraud replay`: a decision is re-derived as it was, and each thing that was changed since is named."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from click.testing import CliRunner, Result

from cli.main import main
from jobs.config.loading import parse_config
from jobs.config.recorded_run import as_text
from jobs.control.file_channel import FileChannel
from models.decision_replay import Moment
from models.default_bundle import DEFAULT_BUNDLE
from models.replay import replay_outputs
from reporting.replayed_text import time_line
from tests.console.store.real_run import write_real_run
from tests.jobs.tiny_bundle import renamed_bundle
from udfs.control.elements import BlockListControl, ListControl, RulesControl, ThresholdsControl
from udfs.control.live_control import LiveControl
from udfs.rules.named_lists import ListEntry
from udfs.rules.rule_set import Rule, RuleSet
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

Decisions = dict[str, dict[str, Any]]
LIVE_RULES = RuleSet(
    "live", 1_000, ((0, 0), (10, 650)),
    (Rule("some", 10, "amount > 20 and (merchant_country != 'XX' or amount > 1e9)", "suspicious today"),),
)  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder with its configuration, as `fraud score` leaves it."""
    folder = tmp_path_factory.mktemp("run")
    write_real_run(folder, users=30, days=3, features="names")
    config = parse_config(
        {
            "source": {"kind": "file", "path": str(folder / "simulated" / "events.jsonl")},
            "sinks": [{"kind": "discard"}],
            "scoring": {"reference": str(folder / "simulated" / "reference")},
        }
    )
    (folder / "job.yaml").write_text(as_text(config))
    return folder


@pytest.fixture(scope="module")
def decisions(run: Path) -> Decisions:
    lines = (json.loads(line) for line in (run / "decisions.jsonl").read_bytes().splitlines())
    return {line["transaction_id"]: line for line in lines if line["type"] == "decision"}


def replay(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["replay", *arguments])
    assert result.exit_code == code, result.output
    return result


def page_of(*arguments: str, code: int = 0) -> dict[str, Any]:
    return json.loads(replay(*arguments, "--json", code=code).stdout)  # type: ignore[no-any-return]


def with_hits(decisions: Decisions) -> list[str]:
    return [one for one, decision in decisions.items() if decision["rules"]["hits"]]


def test_decisions_are_the_same_as_recorded(run: Path, decisions: Decisions) -> None:
    for transaction in [*with_hits(decisions)[:3], list(decisions)[-1]]:
        page = page_of("--run", str(run), "--transaction", transaction)
        assert page["differences"] == []
        recorded, derived = page["recorded"], page["derived"]
        assert {**recorded, "origin": None} == {**derived, "origin": None}
        assert recorded["decision_id"] == decisions[transaction]["decision_id"]


def test_the_text_has_windows_rules_and_versions(run: Path, decisions: Decisions, tmp_path: Path) -> None:
    transaction = with_hits(decisions)[0]
    page = tmp_path / "replay.html"
    text = replay("--run", str(run), "--transaction", transaction, "--html", str(page), "--features").output
    decision = decisions[transaction]
    assert text.endswith("the same as recorded\n")
    assert re.search(rf"version: bundle +{decision['model']['bundle']} +{decision['model']['bundle']}\n", text)
    for rule in decision["rules"]["hits"]:
        assert re.search(rf"rule {rule}: \d+ points, hits, hit then\n +true ", text)
    for name, width in (("5 minutes", "5m"), ("1 hour", "1h"), ("1 day", "1d")):
        count = int(decision["features"][f"txn_count_{width}"])
        found = re.search(rf"{name} \|[.olc#2-9+]{{60}}\| (\d+) payments", text)
        assert found
        assert int(found[1]) == count
    html = page.read_text()
    assert html.count("<svg") == 3
    assert "The same as recorded." in html
    assert all(rule in html for rule in decision["rules"]["hits"])


def test_a_window_of_a_condition_is_shown_with_its_value(run: Path, decisions: Decisions, tmp_path: Path) -> None:
    rules, config = tmp_path / "rules.yaml", tmp_path / "job.yaml"
    rules.write_text(yaml.safe_dump(msgspec.to_builtins(LIVE_RULES) | {"rules": [
        {"id": "often", "points": 10, "when": "count(last 90 days) >= 1 and amount_sum(last 2 days) > 0", "reason": "x"}
    ]}))  # fmt: skip
    settings = yaml.safe_load((run / "job.yaml").read_text())
    settings["scoring"]["rules"] = str(rules)
    config.write_text(yaml.safe_dump(settings))
    transaction = list(decisions)[-1]
    user = decisions[transaction]["user_id"]
    before = [one for one in decisions.values() if one["user_id"] == user]
    page = page_of("--run", str(run), "--config", str(config), "--transaction", transaction, code=1)
    (shown,) = [rule for rule in page["rules"] if rule["rule"]["id"] == "often"]
    count, total = shown["parts"]
    assert (count["text"], count["truth"]) == ("count(last 90 days) >= 1", True)
    assert count["values"] == {"count(last 90 days)": len(before)}
    assert total["values"]["amount_sum(last 2 days)"] >= decisions[transaction]["features"]["amount"]


def test_what_was_changed_since_is_named(run: Path, decisions: Decisions, tmp_path: Path) -> None:
    transaction = with_hits(decisions)[0]
    decision = json.loads(json.dumps(decisions[transaction]))
    decision["risk_score"] += 1
    decision["rules"]["hits"] = ["gone"]
    decision["features"]["amount"] = None
    decision["model"]["anomaly"] = 7.5
    changed = tmp_path / "decisions.jsonl"
    changed.write_text(json.dumps(decision) + "\n")
    result = replay("--run", str(run), "--decisions", str(changed), "--transaction", transaction, code=1)
    page = page_of("--run", str(run), "--decisions", str(changed), "--transaction", transaction, code=1)
    assert [one["name"] for one in page["differences"]] == [
        "risk_score", "model.anomaly", "rules.hits", "features.amount",
    ]  # fmt: skip
    assert "4 differences:" in result.output
    assert (
        f"  features.amount: recorded not known, derived {decisions[transaction]['features']['amount']:.10g}"
        in result.output
    )


def test_with_other_rules_and_another_bundle_it_is_what_it_would_be(
    run: Path, decisions: Decisions, tmp_path: Path
) -> None:
    transaction = list(decisions)[-1]
    rules = tmp_path / "rules.yaml"
    rules.write_text(yaml.safe_dump(msgspec.to_builtins(LIVE_RULES) | {"rules": [
        {"id": "all", "points": 10, "when": "amount >= 0", "reason": "x", "action": "hard_block"}
    ]}))  # fmt: skip
    bundle = tmp_path / "bundle"
    version = renamed_bundle(DEFAULT_BUNDLE, bundle)
    page = page_of("--run", str(run), "--transaction", transaction, "--with", str(rules), "--with", str(bundle))
    assert page["would_be"]["rules"]["hits"] == ["all"]
    assert page["would_be"]["action"] == "hard_block"
    assert page["would_be"]["model"]["bundle"] == version
    assert page["derived"]["action"] == decisions[transaction]["action"]
    assert " would be" in replay("--run", str(run), "--transaction", transaction, "--with", str(rules)).output


def test_what_was_published_is_read_from_the_control_stream(run: Path, tmp_path: Path) -> None:
    """The decisions are made by a scorer to which the elements are applied; newer ones are there, too."""
    control = tmp_path / "control"
    control.mkdir()
    channel = FileChannel(control)
    events = run / "simulated" / "events.jsonl"
    paths = ScorerPaths(bundle=str(DEFAULT_BUNDLE), reference=str(run / "simulated" / "reference"))
    logs = MemoryUserLogs()
    scorer = open_scorer(ScorerConfig(log_features="packed"), paths, logs)
    live = LiveControl(scorer)
    for element in (
        RulesControl(LIVE_RULES),
        ThresholdsControl(version=2, refer_to_analyst=0, soft_challenge=1, hard_block=1000),
        BlockListControl(version=1, type="user", value="U00001"),
    ):
        channel.publish(element)
        live.apply(element)
    channel.publish(ThresholdsControl(version=3, refer_to_analyst=900, soft_challenge=950, hard_block=1000))
    outputs = [output.value for output in replay_outputs(events, scorer, logs) if output.destination == "decisions"]
    made = tmp_path / "decisions.jsonl"
    made.write_bytes(b"".join(value + b"\n" for value in outputs))
    tree = yaml.safe_load((run / "job.yaml").read_text())
    tree["control"] = {"kind": "file", "path": str(control), "poll_interval_ms": 50}
    job = tmp_path / "job.yaml"
    job.write_text(yaml.safe_dump(tree))
    transactions = [json.loads(value) for value in outputs if b'"type":"decision"' in value]
    options = ("--log", str(events), "--decisions", str(made), "--config", str(job))
    hit = next(one for one in transactions if one["rules"]["hits"] == ["some"])
    page = page_of(*options, "--transaction", hit["transaction_id"])
    assert page["differences"] == []
    assert page["derived"]["control_versions"] == {"block-list": 1, "rules": 1_000, "thresholds": 2}
    assert next((part["text"], part["truth"]) for part in page["rules"][0]["parts"]) == ("amount > 20", True)

    alone = replay(
        "--log", str(events), "--decisions", str(made), "--config", str(run / "job.yaml"), "--transaction",
        hit["transaction_id"], code=1,
    )  # fmt: skip
    assert "has no control stream" in alone.stderr
    assert "rules.version: recorded 1000, derived" in alone.output


def test_lists_that_were_published_then_decide_again(run: Path, tmp_path: Path) -> None:
    control = tmp_path / "control"
    control.mkdir()
    channel = FileChannel(control)
    events = run / "simulated" / "events.jsonl"
    logs = MemoryUserLogs()
    paths = ScorerPaths(bundle=str(DEFAULT_BUNDLE), reference=str(run / "simulated" / "reference"))
    scorer = open_scorer(ScorerConfig(), paths, logs)
    live = LiveControl(scorer)
    watched = ListControl(version=3, name="watched", type="user", entries=(ListEntry("U000001"), ListEntry("U000002")))
    rules = RuleSet("live", 1_000, ((0, 0), (10, 650)), (Rule("watched", 10, "user_id in @watched", "watched"),))
    for element in (watched, RulesControl(rules)):
        channel.publish(element)
        live.apply(element)
    channel.publish(msgspec.structs.replace(watched, version=4, entries=()))
    made = [output.value for output in replay_outputs(events, scorer, logs) if output.destination == "decisions"]
    file = tmp_path / "decisions.jsonl"
    file.write_bytes(b"".join(value + b"\n" for value in made))
    hit = next(one for one in map(json.loads, made) if one["rules"]["hits"] == ["watched"])
    tree = yaml.safe_load((run / "job.yaml").read_text())
    job = tmp_path / "job.yaml"
    job.write_text(yaml.safe_dump(tree | {"control": {"kind": "file", "path": str(control)}}))
    options = ("--log", str(events), "--decisions", str(file), "--transaction", hit["transaction_id"])
    page = page_of(*options, "--config", str(job))
    assert page["differences"] == []
    assert page["derived"]["rules"]["lists"] == {"watched": 3}
    assert page["rules"][0]["parts"] == [
        {"text": "user_id in @watched", "truth": True, "values": {"user_id": hit["user_id"]}, "depth": 0}
    ]
    other = tmp_path / "other.yaml"
    other.write_text(
        "name: other\nversion: 1\nscale: [[0, 0], [10, 650]]\n"
        "rules: [{id: not_watched, points: 10, when: user_id not in @watched, reason: x}]\n"
    )
    would_be = page_of(*options, "--config", str(job), "--with", str(other))["would_be"]
    assert would_be["rules"]["lists"] == {"watched": 3}
    assert would_be["rules"]["hits"] == []
    alone = replay(*options, "--config", str(run / "job.yaml"), code=1)
    assert "list/watched 3" in alone.stderr
    assert "rules.lists: recorded watched 3, derived not known" in alone.output


def test_what_cannot_be_derived_is_one_line(run: Path, decisions: Decisions, tmp_path: Path) -> None:
    assert (
        "transaction T-nowhere is not in the log"
        in replay("--run", str(run), "--transaction", "T-nowhere", code=2).output
    )
    assert "give one of --run, --log and --store" in replay("--transaction", "T1", code=2).output
    transaction, decision = next(iter(decisions.items()))
    twice = tmp_path / "events.jsonl"
    shutil.copy(run / "simulated" / "events.jsonl", twice)
    with twice.open("a") as lines:
        lines.write(
            json.dumps({"transaction_id": transaction, "user_id": "U-other", "timestamp": 1, "amount": 1}) + "\n"
        )
    options = ("--run", str(run), "--log", str(twice), "--transaction", transaction)
    assert "give one of" in replay(*options, code=2).output
    options = (
        "--log", str(twice), "--config", str(run / "job.yaml"), "--decisions", str(run / "decisions.jsonl"),
        "--transaction", transaction,
    )  # fmt: skip
    assert re.search(r"is of 2 users \(.*\): give --user", replay(*options, code=2).output)
    assert page_of(*options, "--user", decision["user_id"])["differences"] == []


def test_a_time_line_has_each_event_in_its_column() -> None:
    def at(ago_ms: int, kind: str = "transaction", is_this: bool = False) -> Moment:
        return Moment(kind=kind, event_id="E", at_ms=1_000_000 - ago_ms, is_this=is_this)

    assert time_line([at(0, is_this=True)], 1_000_000, 1_000, columns=10) == ".........#"
    assert time_line([at(999)], 1_000_000, 1_000, columns=10) == "o........."
    assert time_line([at(450), at(449), at(0, is_this=True)], 1_000_000, 1_000, columns=10) == ".....2...#"
    assert time_line([at(99, "login")], 1_000_000, 1_000, columns=10) == ".........l"
