"""Good and bad records in one log, at parallelism 1 and 2: the good get the decisions that they get from a file, and
whatever the bad ones' bytes are, they leave unchanged, with headers that say where they came from.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from jobs.config.loading import parse_config
from jobs.runtime.running import Counts
from jobs.score_transactions import run
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.outcomes import written_lines
from tests.jobs.test_bad_records import POISON, transaction
from tests.kafka.conftest import PARTITIONS, configuration, make_topics
from tests.kafka.outcomes import in_order_of_each_user
from tests.kafka.topics import Topics
from tests.servers.kafka_broker import Broker

EVENTS = 3_000
HOUR_MS = 3_600_000
LIMIT = 1 << 20
SCORING = {"log_features": True}


class Scored(NamedTuple):
    topics: Topics
    poison: dict[str, tuple[bytes | None, str]]
    counts: Counts
    files: Path


@pytest.fixture(scope="module")
def from_file(bundle: Path, log_directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the job writes of the good events when they come from a file."""
    directory = tmp_path_factory.mktemp("from-file")
    tree = {
        "source": {"kind": "file", "path": str(write_events(directory / "events.jsonl", event_lines(EVENTS)))},
        "sinks": [{"kind": "files", "directory": str(directory / "out")}],
        "scoring": {"bundle": str(bundle), **SCORING},
        "flink": {"log_directory": str(log_directory)},
    }
    run(parse_config(tree))
    return directory / "out"


@pytest.fixture(scope="module", params=[1, 2], ids=lambda parallelism: f"parallelism-{parallelism}")
def scored(
    broker: Broker,
    bundle: Path,
    log_directory: Path,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Scored:
    """One run over the events with the bad records in their midst, a good one of another user before each."""
    topics = make_topics(broker)
    poison: dict[str, tuple[bytes | None, str]] = {
        **POISON,
        "timestamp in the future": (transaction(timestamp=time.time_ns() // 1_000_000 + HOUR_MS), "in the future"),
        "tombstone": (None, "empty record"),
        "record of 900 KB": (b"x" * 900_000, "not JSON"),
        "lone surrogate": (transaction(user_id="U\ud800"), "not"),
        "lone surrogate as transaction": (transaction(transaction_id="T\ud800"), "not"),
        "larger than may be sent": (b'{"user_id":"' + b"y" * (LIMIT + 1), "not JSON"),
    }
    lines = event_lines(EVENTS)
    topics.send_events(lines[: EVENTS // 2])
    for partition in range(PARTITIONS):
        among = [
            (b"key", record)
            for number, (raw, _) in enumerate(poison.values())
            if number % PARTITIONS == partition
            for record in (transaction(transaction_id=f"G{number}", user_id=f"G{number}"), raw)
        ]
        topics.send(among, partition=partition)
    topics.send([(None, transaction(transaction_id="LARGE", user_id=7, note="z" * 900_000))])
    topics.send_events(lines[EVENTS // 2 :])
    files = tmp_path_factory.mktemp("by-kafka") / "out"
    config = configuration(broker, topics, bundle, log_directory)(
        sink={"max_request_bytes": LIMIT},
        more_sinks=[{"kind": "files", "directory": str(files)}],
        scoring=SCORING,
        dead_letters={"max_ratio": 1},
        flink={"parallelism": request.param},
    )
    return Scored(topics, poison, run(config).counts, files)


def test_events_by_kafka_get_the_decisions_that_they_get_from_a_file(scored: Scored, from_file: Path) -> None:
    topics = scored.topics
    good = len(scored.poison) + 1
    assert scored.counts.records == EVENTS + good + len(scored.poison)
    assert {record.partition for record in topics.read(topics.events)} == set(range(PARTITIONS))
    for topic, file_topic in ((topics.decisions, "decisions"), (topics.alerts, "alerts"), (topics.flags, "flags")):
        expected = in_order_of_each_user(written_lines(from_file, file_topic))
        by_kafka = topics.read(topic)
        found = in_order_of_each_user(record.value for record in by_kafka)
        assert {user: found.get(user) for user in expected} == expected
        assert {record.key.decode() for record in by_kafka} == set(found)
        assert sum(map(len, expected.values())) > 10
        if file_topic == "decisions":
            around = [json.loads(line)["transaction_id"] for user in set(found) - set(expected) for line in found[user]]
            assert sorted(around) == sorted([*(f"G{number}" for number in range(good - 1)), "LARGE"])


def test_bad_records_become_dead_letters_of_their_own_bytes(scored: Scored) -> None:
    topics = scored.topics
    sent = {(record.partition, record.offset): record.value for record in topics.read(topics.events)}
    in_files = {
        letter["payload_sha256"]: letter for letter in map(json.loads, written_lines(scored.files, "dead-letters"))
    }
    reasons: dict[bytes | None, list[str]] = {}
    for letter in topics.read(topics.dead_letters):
        headers = {name: value.decode() for name, value in letter.headers}
        raw = sent[int(headers["partition"]), int(headers["offset"])]
        assert headers["topic"] == topics.events
        assert headers["payload_sha256"] == hashlib.sha256(raw or b"").hexdigest()
        assert letter.value == (raw or b"")[: len(letter.value)]
        if raw is not None and len(raw) > LIMIT:
            assert headers["cut_from_bytes"] == str(len(raw))
            assert len(letter.value) > LIMIT - 20_000
        else:
            assert letter.value == (raw or b"")
        reasons.setdefault(raw, []).append(headers["reason"])
        in_file = in_files[headers["payload_sha256"]]
        assert base64.b64decode(in_file["payload_base64"]) == letter.value
        assert in_file["reason"] in reasons[raw] or raw in (None, b"")
        assert in_file["origin"]["source"] == topics.events
    assert sum(map(len, reasons.values())) == len(scored.poison) == scored.counts.dead_letters
    for name, (raw, reason) in scored.poison.items():
        assert any(reason in found for found in reasons[raw]), name
