"""Parity straight from the topics: what arrived too far in the future was never scored, and is not replayed."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from click.testing import CliRunner

from cli.main import main
from jobs.score_transactions import run
from tests.jobs.event_stream import event_lines
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.topics import Topics

EVENTS = 3_000
FAR_FUTURE_MS = 4_000_000_000_000


def test_a_run_from_topic_to_topic_logs_what_the_topic_gives(
    configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path
) -> None:
    lines = event_lines(EVENTS)
    ahead = json.loads(lines[0]) | {"transaction_id": "ahead", "timestamp": FAR_FUTURE_MS}
    topics.send_events([lines[0], json.dumps(ahead, indent=1).encode(), *lines[1:]])
    config = configure_kafka(flink={"parallelism": 2}, scoring={"log_features": True})
    run(config)
    assert len(topics.read(topics.dead_letters)) == 1
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))

    result = CliRunner().invoke(main, ["parity", "--config", str(file), "--out", str(tmp_path / "parity.json")])

    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "parity.json").read_bytes())
    assert report["compared"] == report["decisions"] == report["transactions"] > 2_500
    assert report["mismatching"] == report["missing"] == report["surplus"] == 0
