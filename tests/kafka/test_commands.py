"""`fraud topics` and `fraud produce` against a real broker."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from click.testing import CliRunner, Result
from kafka import KafkaProducer

from cli.main import main
from tests.jobs.event_stream import event_lines, write_events
from tests.kafka.topics import Topics
from tests.servers.kafka_broker import Broker


@pytest.fixture
def topics(broker: Broker) -> Topics:
    """Names of topics that nobody has made yet."""
    return Topics(broker.servers, prefix=f"c{uuid4().hex[:8]}.")


@pytest.fixture
def job_file(broker: Broker, topics: Topics, tmp_path: Path) -> Path:
    connection = {"bootstrap_servers": broker.servers}
    path = tmp_path / "job.yaml"
    tree = {
        "source": {"kind": "kafka", "connection": connection, "topics": [topics.events]},
        "sinks": [{"kind": "kafka", "connection": connection, "topic_prefix": topics.prefix}],
    }
    path.write_text(yaml.safe_dump(tree))
    return path


def fraud(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_topics_are_created_once_and_existing_ones_reported(broker: Broker, topics: Topics, job_file: Path) -> None:
    broker.create_topics(2, topics.alerts)

    first = fraud("topics", "create", "--config", job_file, "--partitions", 3)
    second = fraud("topics", "create", "--config", job_file, "--partitions", 3)

    width = len(topics.dead_letters)
    assert first.output.splitlines() == [
        f"{topics.events:{width}}  made, 3 partitions",
        f"{topics.decisions:{width}}  made, 3 partitions",
        f"{topics.alerts:{width}}  was there, 2 partitions, not 3: existing topics are not changed",
        f"{topics.flags:{width}}  made, 3 partitions",
        f"{topics.dead_letters}  made, 3 partitions",
    ]
    assert second.output == first.output.replace("made", "was there")
    assert (first.exit_code, second.exit_code) == (0, 0)


def test_a_replication_that_the_brokers_cannot_give_is_a_user_error(job_file: Path, topics: Topics) -> None:
    result = fraud("topics", "create", "--config", job_file, "--replication", 3)
    assert result.exit_code == 2
    assert f"topic {topics.events} cannot be created: Unable to replicate the partition 3 time(s)" in result.output


def test_events_arrive_in_order_per_partition_at_the_given_rate(topics: Topics, job_file: Path, tmp_path: Path) -> None:
    lines = event_lines(1_500)
    file = write_events(tmp_path / "events.jsonl", lines)
    missing = fraud("produce", "--config", job_file, "--events", file)
    assert missing.exit_code == 2
    assert f"topic {topics.events} does not exist: create it with `fraud topics create" in missing.output
    fraud("topics", "create", "--config", job_file)

    result = fraud("produce", "--config", job_file, "--events", file, "--rate", 1_000)

    assert result.exit_code == 0, result.output
    achieved = re.search(r"achieved ([\d,]+)/s: 1,500 events in ([\d.]+) s, 1,500 acknowledged", result.output)
    assert achieved is not None, result.output
    assert 900 <= int(achieved[1].replace(",", "")) <= 1_000
    assert 1.5 <= float(achieved[2]) < 1.7
    assert "already held" not in result.output
    sent: dict[str, list[bytes]] = defaultdict(list)
    for line in lines:
        sent[json.loads(line)["user_id"]].append(line)
    arrived: dict[str, list[bytes]] = defaultdict(list)
    partitions: dict[str, set[int]] = defaultdict(set)
    records = topics.read(topics.events)
    for record in records:
        arrived[record.key.decode()].append(record.value)
        partitions[record.key.decode()].add(record.partition)
    assert arrived == sent
    assert all(len(found) == 1 for found in partitions.values())
    producer = KafkaProducer(bootstrap_servers=topics.servers)  # other services' records of a user go to that partition
    for user, found in partitions.items():
        assert {producer.send(topics.events, b"another", user.encode()).get().partition} == found
    producer.close()
    times = sorted(record.timestamp for record in records)
    assert 1_490 <= times[-1] - times[0] <= 1_510  # a record's time is the moment that it was due


def test_a_rejected_record_is_reported_and_the_others_arrive(topics: Topics, job_file: Path, tmp_path: Path) -> None:
    lines = event_lines(40)
    too_large = json.dumps(json.loads(lines[20]) | {"note": "x" * (2 << 20)}).encode()
    file = write_events(tmp_path / "events.jsonl", [*lines[:20], too_large, *lines[20:]])
    fraud("topics", "create", "--config", job_file)

    result = fraud("produce", "--config", job_file, "--events", file)

    assert result.exit_code == 1
    assert "41 events in 0.0 s, 40 acknowledged" in result.output
    assert "1 events were not acknowledged: MSG_SIZE_TOO_LARGE: Broker: Message size too large" in result.output
    assert sorted(record.value for record in topics.read(topics.events)) == sorted(lines)


def test_live_events_carry_the_time_of_their_sending(topics: Topics, job_file: Path) -> None:
    fraud("topics", "create", "--config", job_file)

    result = fraud(
        "produce",
        "--config",
        job_file,
        "--users",
        30,
        "--rate",
        2_000,
        "--seconds",
        1,
        "--timestamps",
        "now",
        "--repeat",
    )

    assert "2,000 acknowledged" in result.output
    for record in topics.read(topics.events):
        event = json.loads(record.value)
        assert event.get("known_at", event["timestamp"]) == record.timestamp


def test_the_newest_records_of_an_output_are_shown(topics: Topics, job_file: Path) -> None:
    fraud("topics", "create", "--config", job_file)
    producer = KafkaProducer(bootstrap_servers=topics.servers)
    for number in range(5):
        producer.send(topics.decisions, b'{"decision":%d}' % number, partition=0)
    producer.send(topics.dead_letters, b"\xff\xfe", headers=[("reason", b"not UTF-8"), ("offset", b"12")])
    producer.close()

    decisions = fraud("topics", "read", "decisions", "--config", job_file, "--last", 2)
    letters = fraud("topics", "read", "dead-letters", "--config", job_file)

    assert decisions.output == '{"decision":3}\n{"decision":4}\n'
    assert json.loads(letters.output) == {"reason": "not UTF-8", "offset": "12", "bytes": 2}


def test_a_second_run_says_that_its_events_are_duplicates(topics: Topics, job_file: Path, tmp_path: Path) -> None:
    file = write_events(tmp_path / "events.jsonl", event_lines(50))
    fraud("topics", "create", "--config", job_file)
    assert "already held" not in fraud("produce", "--config", job_file, "--events", file).output
    again = fraud("produce", "--config", job_file, "--events", file)
    assert again.exit_code == 0
    assert "the topic already held 50 records: events whose ids are among them are duplicates" in again.output
