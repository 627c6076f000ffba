"""A topic as a file of lines, partition after partition, so that each user's records keep their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.config_errors import ConfigError
from jobs.kafka_client import python_settings
from jobs.kafka_settings import KafkaConnection, KafkaSource
from udfs.codec import BadRecord, decode_event
from udfs.events import Label

if TYPE_CHECKING:
    from kafka import KafkaConsumer, TopicPartition
    from kafka.consumer.fetcher import ConsumerRecord

POLL_MS = 500
LARGEST_FETCH_BYTES = 16 << 20
Progress = Callable[[int, int], None]


def dump_events(source: KafkaSource, future_tolerance_ms: int, path: Path, progress: Progress) -> int:
    """Write the events that the job would have taken, from where a job without saved state begins; returns how many.

    Only the topic tells when a record arrived: an event too far in the future, a dead letter, is left out here.
    Raises ConfigError.
    """
    if source.start == "latest":
        raise ConfigError("source: with start: latest the topic does not tell where the job began: give --events FILE")

    def accepted(record: ConsumerRecord) -> bool:
        try:
            event = decode_event(record.value or b"")
        except BadRecord:
            return False
        time_ms = event.known_at if isinstance(event, Label) else event.timestamp
        return bool(time_ms <= record.timestamp + future_tolerance_ms)

    def begin(consumer: KafkaConsumer, partitions: list[TopicPartition]) -> None:
        if source.start == "timestamp" and source.start_timestamp is not None:
            times = consumer.offsets_for_times(dict.fromkeys(partitions, source.start_timestamp))
            for partition, found in times.items():
                if found is None:
                    consumer.seek_to_end(partition)
                else:
                    consumer.seek(partition, found.offset)
        elif source.start == "offsets" and source.start_offsets is not None:
            for partition in partitions:
                consumer.seek(partition, source.start_offsets.get(partition.partition, 0))

    return _dump(source.connection, source.topics, path, progress, accepted, begin)


def dump_records(connection: KafkaConnection, topic: str, path: Path, progress: Progress) -> int:
    """Write all of a topic's committed records that are there; returns how many. Raises ConfigError."""
    return _dump(connection, (topic,), path, progress, lambda record: record.value is not None)


def _dump(
    connection: KafkaConnection,
    topics: Sequence[str],
    path: Path,
    progress: Progress,
    wanted: Callable[[ConsumerRecord], bool],
    begin: Callable[[KafkaConsumer, list[TopicPartition]], None] = lambda consumer, partitions: None,
) -> int:
    count = 0
    with _consumer(connection) as consumer, path.open("wb") as out:
        ranges = _ranges(consumer, topics, begin)
        total, done = sum(end - start for _, start, end in ranges), 0
        for partition, start, end in ranges:
            for record in _records(consumer, partition, start, end):
                progress(done + record.offset - start, total)
                if wanted(record):
                    # A JSON text has line ends between its tokens only.
                    out.write(record.value.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n")
                    count += 1
            done += end - start
        progress(total, total)
    return count


@contextmanager
def _consumer(connection: KafkaConnection) -> Iterator[KafkaConsumer]:
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(
        **python_settings(connection),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=LARGEST_FETCH_BYTES,
    )
    try:
        yield consumer
    finally:
        consumer.close()


def _ranges(
    consumer: KafkaConsumer,
    topics: Sequence[str],
    begin: Callable[[KafkaConsumer, list[TopicPartition]], None],
) -> list[tuple[TopicPartition, int, int]]:
    """Each partition with its first offset and the one behind its last."""
    from kafka import TopicPartition

    partitions = []
    for topic in topics:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            raise ConfigError(f"there is no topic {topic}")
        partitions += [TopicPartition(topic, number) for number in sorted(numbers)]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    begin(consumer, partitions)
    ends = consumer.end_offsets(partitions)
    return [(partition, consumer.position(partition), ends[partition]) for partition in partitions]


def _records(consumer: KafkaConsumer, partition: TopicPartition, start: int, end: int) -> Iterator[ConsumerRecord]:
    consumer.assign([partition])
    consumer.seek(partition, start)
    while consumer.position(partition) < end:
        for record in consumer.poll(timeout_ms=POLL_MS).get(partition, ()):
            if record.offset < end:
                yield record
