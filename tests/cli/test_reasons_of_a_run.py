"""The reasons of a whole run: a bundle is trained on one simulated history and scores another one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cli.main import main
from tests.udfs.reasons.forbidden_reasons import forbidden_reasons
from udfs.records.outputs import Origin
from udfs.scoring.factory import open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs


def run(*arguments: str) -> None:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output


@pytest.fixture(scope="module")
def decisions(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """The decisions on 200 users that are not in the bundle's training data."""
    folder = tmp_path_factory.mktemp("reasons")
    past, later, bundle = folder / "past", folder / "later", folder / "bundle"
    run("simulate", "--out", str(past), "--users", "150", "--days", "60", "--fraud-share", "0.02")
    run(
        "train",
        "--events",
        f"{past}/events.jsonl",
        "--reference",
        f"{past}/reference",
        "--bundle",
        str(bundle),
        "--quick",
    )
    run("simulate", "--out", str(later), "--users", "200", "--days", "25", "--fraud-share", "0.03", "--seed", "7")
    run("aggregate", "--events", f"{later}/events.jsonl", "--out", f"{later}/reference")
    return list(score(later, bundle))


def score(history: Path, bundle: Path) -> Iterator[bytes]:
    logs = MemoryUserLogs()
    paths = ScorerPaths(bundle=str(bundle), reference=str(history / "reference"))
    scorer = open_scorer(ScorerConfig(), paths, logs)
    with (history / "events.jsonl").open("rb") as lines:
        for line in lines:
            logs.set_current_key(json.loads(line)["user_id"])
            for output in scorer.process(line, logs.key, None, Origin("events.jsonl")):
                if output.destination == "decisions":
                    yield output.value


def alerts_of(decisions: list[bytes]) -> list[dict[str, Any]]:
    return [decision for decision in map(json.loads, decisions) if decision.get("action", "allow") != "allow"]


def test_the_200_strongest_alerts_have_no_forbidden_reason(decisions: list[bytes]) -> None:
    assert len(alerts_of(decisions)) >= 200
    assert forbidden_reasons(decisions, 200) == []


def test_no_alert_has_a_forbidden_reason(decisions: list[bytes]) -> None:
    assert forbidden_reasons(decisions, None) == []


def test_reasons_of_the_model_have_values_and_mostly_usual_values(decisions: list[bytes]) -> None:
    told = Counter(
        (reason.get("value") is not None, reason.get("usual") is not None)
        for alert in alerts_of(decisions)
        for reason in alert["reasons"]
        if reason["source"] in ("trees", "autoencoder") and reason["name"] != "combination"
    )
    assert sum(count for (has_value, _), count in told.items() if not has_value) == 0
    assert told[True, True] >= 0.95 * sum(told.values())


def test_weights_sum_to_most_of_the_risk_score_and_never_more(decisions: list[bytes]) -> None:
    shares = []
    for alert in alerts_of(decisions):
        weights = [r["weight"] for r in alert["reasons"] if r["source"] not in ("block_list", "flag")]
        assert sum(weights) <= 1000 * alert["probability"] + 0.5
        shares.append(sum(weights) / (1000 * alert["probability"]))
    assert sorted(shares)[len(shares) // 2] > 0.3
