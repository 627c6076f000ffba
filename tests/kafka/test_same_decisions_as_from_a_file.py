from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.score_transactions import run
from tests.jobs.event_stream import event_lines
from tests.jobs.outcomes import by_user
from tests.kafka.conftest import PARTITIONS, ConfigureKafka
from tests.kafka.topics import Topics
from tests.jobs.conftest import configure as configure_file
from tests.jobs.outcomes import replayed, written_lines

EVENTS = 3_000


def without_origin(line: bytes) -> bytes:
    record = json.loads(line)
    record.pop("origin", None)
    return json.dumps(record).encode()


@pytest.mark.parametrize("parallelism", [1, 2])
def test_kafka(
    configure_kafka: ConfigureKafka, topics: Topics, parallelism: int
) -> None:
    lines = event_lines(EVENTS)
    topics.send_events(lines)
    result = run(configure_kafka(flink={"parallelism": parallelism}))
    print(result, topics.read(topics.decisions)[:2], topics.read(topics.dead_letters)[:3])
