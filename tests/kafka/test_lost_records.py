"""Kafka forgets records before a restored job has read them; and records that Kafka refuses while the job runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType

from jobs.runtime.failures import JobFailed
from jobs.score_transactions import run, start
from tests.jobs.event_stream import event_lines
from tests.kafka.conftest import PARTITIONS, ConfigureKafka
from tests.kafka.outcomes import wait_until
from tests.kafka.topics import Topics


@pytest.mark.parametrize("first_start", ["earliest", "latest"])
def test_missing_records_fail_a_restored_job_unless_skipped(
    configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path, first_start: str
) -> None:
    """With `latest` as the start, what is still there is read all the same."""
    lines = event_lines(900)
    topics.send_events(lines[:300])
    job = start(configure_kafka(source={"until": "never", "start": "earliest"}))
    wait_until(lambda: topics.size(topics.decisions) > 200, job, 60, "decisions")
    saved = job.stop_with_savepoint(str(tmp_path / "savepoints"))
    before = topics.size(topics.decisions)
    topics.send_events(lines[300:600])
    delete_all(topics)
    topics.send_events(lines[600:])

    with pytest.raises(JobFailed, match=r"no longer in Kafka .*restore a newer state, or .*missing_records: skip"):
        run(configure_kafka(source={"start": first_start}, state={"restore_from": saved}))
    assert topics.size(topics.decisions) == before

    job = start(
        configure_kafka(
            source={"start": first_start, "missing_records": "skip", "until": "never"}, state={"restore_from": saved}
        )
    )
    wanted = {json.loads(line)["transaction_id"] for line in lines[600:] if b'"type"' not in line}
    wait_until(lambda: wanted <= decided(topics), job, 60, "decisions on what is left")
    job.cancel()
    lost = {json.loads(line)["transaction_id"] for line in lines[300:600] if b'"type"' not in line}
    assert not (lost - wanted) & {t for t in decided(topics) if t not in earlier(lines[:300])}


def earlier(lines: list[bytes]) -> set[str]:
    return {json.loads(line)["transaction_id"] for line in lines if b'"type"' not in line}


def decided(topics: Topics) -> set[str]:
    return {json.loads(value)["transaction_id"] for value in topics.values(topics.decisions)}


def delete_all(topics: Topics) -> None:
    """As retention does."""
    client = KafkaAdminClient(bootstrap_servers=topics.servers)
    client.delete_records({TopicPartition(topics.events, number): -1 for number in range(PARTITIONS)})
    client.close()


def test_a_decision_that_kafka_refuses_ends_the_job_with_the_reason(
    configure_kafka: ConfigureKafka, topics: Topics
) -> None:
    client = KafkaAdminClient(bootstrap_servers=topics.servers)
    client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topics.decisions, {"max.message.bytes": "200"})])
    client.close()
    topics.send_events(event_lines(100))

    one_at_a_time = {"batch.size": "1"}  # of several small ones the producer would try other batches for minutes
    with pytest.raises(JobFailed, match=r"an output is above its topic's size limit: raise .*max\.message\.bytes"):
        run(configure_kafka(sink={"properties": one_at_a_time}))
