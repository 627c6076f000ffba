from __future__ import annotations

from pathlib import Path

import pytest

from jobs.score_transactions import run
from tests.jobs.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.outcomes import written_lines
from tests.kafka.conftest import PARTITIONS, ConfigureKafka
from tests.kafka.outcomes import in_order_of_each_user
from tests.kafka.topics import Topics

EVENTS = 3_000


@pytest.mark.parametrize("parallelism", [1, 2])
def test_events_by_kafka_get_the_decisions_that_they_get_from_a_file(
    configure: Configure, configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path, parallelism: int
) -> None:
    lines = event_lines(EVENTS)
    topics.send_events(lines)
    scoring = {"log_features": True}
    run(configure(write_events(tmp_path / "events.jsonl", lines), scoring=scoring))

    result = run(configure_kafka(flink={"parallelism": parallelism}, scoring=scoring))

    assert result.counts.records == EVENTS
    assert {record.partition for record in topics.read(topics.events)} == set(range(PARTITIONS))
    for topic, file_topic in ((topics.decisions, "decisions"), (topics.alerts, "alerts")):
        from_file = in_order_of_each_user(written_lines(tmp_path / "out", file_topic))
        by_kafka = topics.read(topic)
        assert in_order_of_each_user(record.value for record in by_kafka) == from_file
        assert all(record.key.decode() in from_file for record in by_kafka)
        assert sum(map(len, from_file.values())) > 20
    assert topics.read(topics.dead_letters) == []
