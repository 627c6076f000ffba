"""Parity straight from the topics: what arrived too far in the future was never scored, and is not replayed.

Decisions there have packed features, unless it is said otherwise; `fraud decisions show` names them.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import yaml
from click.testing import CliRunner

from cli.main import main
from jobs.score_transactions import run
from tests.jobs.event_stream import event_lines
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.topics import Topics
from udfs.records.logged_features import features_of
from udfs.scoring.feature_sets import feature_sets_of

EVENTS = 3_000
FAR_FUTURE_MS = 4_000_000_000_000


def test_parity_holds_from_topic_to_topic(configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path) -> None:
    lines = event_lines(EVENTS)
    ahead = json.loads(lines[0]) | {"transaction_id": "ahead", "timestamp": FAR_FUTURE_MS}
    topics.send_events([lines[0], json.dumps(ahead, indent=1).encode(), *lines[1:]])
    config = configure_kafka(flink={"parallelism": 2}, scoring={"log_features": "auto"})
    run(config)
    assert len(topics.read(topics.dead_letters)) == 1
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))

    result = CliRunner().invoke(main, ["parity", "--config", str(file), "--out", str(tmp_path / "parity.json")])

    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "parity.json").read_bytes())
    assert report["compared"] == report["decisions"] == report["transactions"] > 2_500
    assert report["mismatching"] == report["missing"] == report["surplus"] == 0

    packed = [json.loads(record.value) for record in topics.read(topics.decisions)]
    decision = next(decision for decision in packed if decision["type"] == "decision")
    assert "features_packed" in decision
    arguments = ["decisions", "show", "--config", str(file), "--transaction", decision["transaction_id"], "--json"]
    shown = CliRunner().invoke(main, arguments)
    assert shown.exit_code == 0, shown.output
    by_name = json.loads(shown.stdout)
    assert by_name["features"] == without_nan(features_of(decision, feature_sets_of()))
    assert by_name["decision_id"] == decision["decision_id"]

    from_servers = ["--servers", topics.servers, "--topic", topics.decisions, "--last", "1", "--limit", "1"]
    newest = CliRunner().invoke(main, ["decisions", "show", *from_servers])
    assert newest.exit_code == 0, newest.output
    assert f"known of feature set {decision['feature_set']}" in newest.stdout


def without_nan(features: dict[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in features.items()}
