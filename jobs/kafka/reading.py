"""Reads the topic of an output, outside the job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jobs.config.errors import ConfigError
from jobs.config.kafka import KafkaSink
from jobs.kafka.client import python_settings

if TYPE_CHECKING:
    from kafka.consumer.fetcher import ConsumerRecord

POLL_MS = 200


def newest_records(sink: KafkaSink, topic: str, last: int, follow: bool) -> Iterator[ConsumerRecord]:
    """The newest `last` committed records of each partition; with `follow` also all later ones, without end.

    Raises ConfigError if the topic does not exist.
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
            raise ConfigError(f"topic {topic} does not exist: create it with `fraud topics create --config FILE`")
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
