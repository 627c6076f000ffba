"""A failure in Kafka while the job runs ends in one line that says what to change."""

from __future__ import annotations

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from jobs.failures import JobFailed
from jobs.score_transactions import run
from tests.jobs.event_stream import event_lines
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.topics import Topics
from tests.servers.kafka_broker import Broker


def test_outputs_that_a_topic_does_not_take_fail_the_job_with_the_setting_to_change(
    configure_kafka: ConfigureKafka, broker: Broker, topics: Topics
) -> None:
    admin = KafkaAdminClient(bootstrap_servers=broker.servers)
    smallest = {"max.message.bytes": "300"}
    admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topics.decisions, smallest)])
    admin.close()
    topics.send_events(event_lines(20))

    with pytest.raises(JobFailed) as failure:
        run(configure_kafka())

    message = str(failure.value)
    assert message.startswith("an output is larger than its topic takes: raise the topic's max.message.bytes")
    assert "RecordTooLargeException" in message
    assert "\n" not in message
