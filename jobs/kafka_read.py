"""Reads an output's topic from outside the job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jobs.config_errors import ConfigError
from jobs.kafka_client import python_settings
from jobs.kafka_settings import KafkaSink

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord

POLL_MS = 200


def newest_records(sink: KafkaSink, topic: str, last: int, follow: bool) -> Iterator[ConsumerRecord]:
    """The newest `last` committed records of each partition, and with `follow` what comes after them, without end.

    Raises ConfigError if the topic is missing.
    """
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(
        **python_settings(sink.connection),
        enable_auto_commit=False,
        isolation_level="read_committed",
        max_partition_fetch_bytes=sink.max_request_bytes,
    )
    try:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            raise ConfigError(f"there is no topic {topic}: make it with `fraud topics create --config FILE`")
        partitions = [TopicPartition(topic, number) for number in sorted(numbers)]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        starts = consumer.beginning_offsets(partitions)
        for partition in partitions:
            consumer.seek(partition, max(starts[partition], ends[partition] - last))
        while follow or any(consumer.position(partition) < ends[partition] for partition in partitions):
            for records in consumer.poll(timeout_ms=POLL_MS).values():
                yield from records
    finally:
        consumer.close()
