"""Topics of a test: produces events and consumes outputs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError
from confluent_kafka import TopicPartition as TopicAndPartition
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord

PATIENCE_SECONDS = 30


class Topics(NamedTuple):
    """Names of a test's topics on a broker."""

    servers: str
    prefix: str

    @property
    def events(self) -> str:
        return f"{self.prefix}events"

    @property
    def decisions(self) -> str:
        return f"{self.prefix}decisions"

    @property
    def alerts(self) -> str:
        return f"{self.prefix}alerts"

    @property
    def flags(self) -> str:
        return f"{self.prefix}flags"

    @property
    def dead_letters(self) -> str:
        return f"{self.prefix}dead-letters"

    def names(self) -> tuple[str, ...]:
        return (self.events, self.decisions, self.alerts, self.flags, self.dead_letters)

    def send_events(self, lines: Iterable[bytes]) -> None:
        """Each event keyed by its user, so that Kafka's own partitioner keeps a user's on one partition."""
        self.send((json.loads(line)["user_id"].encode(), line) for line in lines)

    def send(self, records: Iterable[tuple[bytes | None, bytes | None]], partition: int | None = None) -> None:
        """Records (key, value), all acknowledged."""
        producer = KafkaProducer(bootstrap_servers=self.servers, linger_ms=20, max_request_size=2 << 20)
        futures = [producer.send(self.events, value, key, partition=partition) for key, value in records]
        producer.flush()
        for future in futures:
            future.get(timeout=0)
        producer.close()

    def read(self, topic: str, committed: bool = False) -> list[ConsumerRecord]:
        """All records that are there, partition after partition; `committed`: only those of ended transactions."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.servers,
            isolation_level="read_committed" if committed else "read_uncommitted",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            max_partition_fetch_bytes=4 << 20,
            fetch_max_wait_ms=50,
        )
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        consumer.seek_to_beginning(*partitions)
        found: list[ConsumerRecord] = []
        deadline = time.monotonic() + PATIENCE_SECONDS
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            assert time.monotonic() < deadline, f"{topic} cannot be read to its end"
            for records in consumer.poll(timeout_ms=500, max_records=5_000).values():
                found += records
        consumer.close()
        return sorted(found, key=lambda record: (record.partition, record.offset))

    def size(self, topic: str) -> int:
        """How many records are there, without reading them (marks of transactions count too)."""
        consumer = KafkaConsumer(bootstrap_servers=self.servers)
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        ends = consumer.end_offsets(partitions)
        consumer.close()
        return sum(ends.values())

    def committed(self, group: str) -> dict[int, int]:
        """The group's offset on each partition of the events that has one."""
        client = KafkaAdminClient(bootstrap_servers=self.servers)
        offsets = client.list_group_offsets(group)[group]
        client.close()
        return {place.partition: found.offset for place, found in offsets.items() if place.topic == self.events}

    def values(self, topic: str, committed: bool = False) -> list[bytes]:
        """The values of `read`, by librdkafka: quicker, and with every compression."""
        consumer: Any = Consumer(
            {
                "bootstrap.servers": self.servers,
                "group.id": "test",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed" if committed else "read_uncommitted",
            }
        )
        found = []
        for partition in sorted(consumer.list_topics(topic, timeout=10).topics[topic].partitions):
            consumer.assign([TopicAndPartition(topic, partition, OFFSET_BEGINNING)])
            while (record := consumer.poll(PATIENCE_SECONDS)) is not None and record.error() is None:
                found.append(record.value())
            assert record is not None, f"{topic} cannot be read to its end"
            assert record.error().code() == KafkaError._PARTITION_EOF, record.error()
        consumer.close()
        return found
