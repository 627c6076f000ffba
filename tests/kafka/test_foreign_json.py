"""A topic of foreign JSON: `source.mapping` keys it in the JVM and gives the decisions of the converted events' topic."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from cli.main import main
from jobs.score_transactions import run
from tests.jobs.foreign_stream import BROKEN, converted_lines, foreign_lines, write_mapping
from tests.kafka.conftest import configuration, make_topics
from tests.kafka.outcomes import in_order_of_each_user
from tests.kafka.topics import Topics
from tests.servers.kafka_broker import Broker

EVENTS = 2_000


def send_foreign(topics: Topics, lines: list[bytes]) -> None:
    """As the bank's own producer would: keyed by the card's owner."""
    topics.send((json.loads(line)["card"]["owner"].encode(), line) for line in lines)


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_topic_of_foreign_json_gets_the_decisions_of_the_converted_events(
    broker: Broker, bundle: Path, log_directory: Path, tmp_path: Path, parallelism: int
) -> None:
    foreign = foreign_lines(EVENTS)
    by_mapping, by_events = make_topics(broker), make_topics(broker)
    send_foreign(by_mapping, foreign[:1_000])
    for number, raw in enumerate(BROKEN):
        by_mapping.send([(b"anything", raw)], partition=number % 4)
    by_mapping.send([(b"anything", None)])
    send_foreign(by_mapping, foreign[1_000:])
    by_events.send_events(converted_lines(tmp_path, foreign))
    mapping = write_mapping(tmp_path)

    scoring = {"log_features": True}
    of_foreign = configuration(broker, by_mapping, bundle, log_directory)(
        source={"mapping": str(mapping)}, scoring=scoring, flink={"parallelism": parallelism}
    )
    counts = run(of_foreign).counts
    run(configuration(broker, by_events, bundle, log_directory)(scoring=scoring))

    found, expected = by_mapping.read(by_mapping.decisions), by_events.values(by_events.decisions)
    assert len(expected) > 1_500
    assert in_order_of_each_user(record.value for record in found) == in_order_of_each_user(expected)
    assert all(record.key.decode() == json.loads(record.value)["user_id"] for record in found)
    alerts = by_mapping.values(by_mapping.alerts)
    assert in_order_of_each_user(alerts) == in_order_of_each_user(by_events.values(by_events.alerts))
    assert len(alerts) > 10

    sent = {(record.partition, record.offset): record.value for record in by_mapping.read(by_mapping.events)}
    letters = by_mapping.read(by_mapping.dead_letters)
    assert counts.dead_letters == len(letters) == len(BROKEN) + 1
    for letter in letters:
        headers = {name: value.decode() for name, value in letter.headers}
        raw = sent[int(headers["partition"]), int(headers["offset"])]
        assert letter.value == (raw or b"")
        assert headers["payload_sha256"] == hashlib.sha256(raw or b"").hexdigest()
        assert headers["reason"].startswith(BROKEN[raw] if raw is not None else "empty record")


def test_parity_reads_the_topic_by_the_mapping(
    broker: Broker, bundle: Path, log_directory: Path, tmp_path: Path
) -> None:
    topics = make_topics(broker)
    foreign = foreign_lines(800, seed=3)
    ahead = {**json.loads(foreign[0]), "ref": "ahead", "at": 4_000_000_000_000}
    send_foreign(topics, [*foreign, json.dumps(ahead, indent=1).encode(), foreign[0].replace(b'"at"', b'"when"')])
    config = configuration(broker, topics, bundle, log_directory)(
        source={"mapping": str(write_mapping(tmp_path))}, scoring={"log_features": "auto"}
    )
    assert run(config).counts.dead_letters == 2
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))

    result = CliRunner().invoke(main, ["parity", "--config", str(file), "--out", str(tmp_path / "parity.json")])

    assert result.exit_code == 0, result.output
    report = json.loads((tmp_path / "parity.json").read_bytes())
    assert report["compared"] == report["decisions"] == report["transactions"] > 600
