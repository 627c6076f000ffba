"""Start and end positions of a job without saved state."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from kafka import KafkaProducer

from jobs.score_transactions import run, start
from tests.jobs.event_stream import START_MS
from tests.kafka.conftest import PARTITIONS, ConfigureKafka
from tests.kafka.outcomes import wait_until
from tests.kafka.topics import Topics

EACH = 3
HOUR_MS = 3_600_000
Places = set[tuple[int, int]]


def test_a_job_starts_at_the_configured_position(
    configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path
) -> None:
    """Three records on each partition an hour apart: offset 0 at 00:00, 1 at 01:00, 2 at 02:00; later one more."""
    send(topics, range(EACH))
    seen: list[tuple[int, int]] = []

    def places_read(**source: object) -> Places:
        """The places of the records that a run decided on."""
        run(configure_kafka(source=source, state={"checkpoint_dir": str(tmp_path / "checkpoints")}))
        records = [json.loads(record.value) for record in topics.read(topics.decisions)]
        found = [(int(record["origin"]["partition"]), int(record["origin"]["offset"])) for record in records]
        new = list((Counter(found) - Counter(seen)).elements())
        seen.extend(new)
        assert len(set(new)) == len(new)
        return set(new)

    def from_offset(first: int, last: int = EACH) -> Places:
        return {(partition, offset) for partition in range(PARTITIONS) for offset in range(first, last)}

    assert places_read(start="earliest") == from_offset(0)
    assert places_read(start="latest") == set()
    assert places_read(start="timestamp", start_timestamp=START_MS + HOUR_MS) == from_offset(1)
    offsets = {partition: partition % 3 for partition in range(PARTITIONS)}
    expected = {place for place in from_offset(0) if place[1] >= offsets[place[0]]}
    assert places_read(start="offsets", start_offsets=offsets) == expected


def test_the_consumer_group_continues_from_the_last_checkpoint(
    configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path
) -> None:
    send(topics, range(EACH))
    source = {"start": "group-offsets", "group_id": f"{topics.prefix}group", "without_group_offsets": "earliest"}
    state = {"checkpoint_dir": str(tmp_path / "checkpoints"), "checkpoint_interval_ms": 200}
    job = start(configure_kafka(source={**source, "until": "never"}, state=state))
    try:
        all_read = dict.fromkeys(range(PARTITIONS), EACH)
        wait_until(lambda: topics.committed(source["group_id"]) == all_read, job, 30, "committed offsets")
    finally:
        job.cancel()
    assert topics.size(topics.decisions) == EACH * PARTITIONS
    send(topics, range(EACH, EACH + 1))

    run(configure_kafka(source=source, state=state | {"restore_from": "none"}))

    offsets = [json.loads(value)["origin"]["offset"] for value in topics.values(topics.decisions)]
    assert Counter(offsets) == dict.fromkeys(range(EACH + 1), PARTITIONS)


def send(topics: Topics, hours: range) -> None:
    producer = KafkaProducer(bootstrap_servers=topics.servers)
    for hour in hours:
        for partition in range(PARTITIONS):
            time_ms = START_MS + hour * HOUR_MS
            event = {"transaction_id": f"T{hour}", "user_id": f"U{partition}", "timestamp": time_ms, "amount": 5}
            producer.send(topics.events, json.dumps(event).encode(), partition=partition, timestamp_ms=time_ms)
    producer.flush()
    producer.close()
