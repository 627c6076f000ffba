"""Dumps topics to a JSON Lines file, one partition after another, so that each user's records keep their order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jobs.config.errors import ConfigError
from jobs.config.kafka import KafkaConnection, KafkaSource
from jobs.kafka.client import python_settings
from udfs.records.admission import Admission
from udfs.records.admission_settings import AdmissionSettings
from udfs.records.codec import BadRecord, decode_event
from udfs.records.event_decoder import EventDecoder

if TYPE_CHECKING:
    from kafka import KafkaConsumer, TopicPartition
    from kafka.consumer.fetcher import ConsumerRecord

POLL_MS = 500
LARGEST_FETCH_BYTES = 16 << 20
Progress = Callable[[int, int], None]
_encode = msgspec.json.Encoder().encode


def dump_events(
    source: KafkaSource,
    admission: AdmissionSettings,
    path: Path,
    progress: Progress,
    decode: EventDecoder = decode_event,
) -> int:
    """Write the events that the job accepts, from the source's start position; returns their number.

    Records of foreign JSON (`decode`) are written as converted events. Records that the job rejects (dead letters) are
    omitted here, because the file does not hold the arrival times by which some are rejected.
    Raises ConfigError.
    """
    if source.start == "latest":
        raise ConfigError("source: with start: latest the start position is unknown: give --events FILE")

    admit = Admission(admission, decode=decode).admit

    def accepted(record: ConsumerRecord) -> bytes | None:
        try:
            event = admit(record.value, None, record.timestamp)
        except BadRecord:
            return None
        payload: bytes = record.value
        return payload if decode is decode_event else _encode(event)

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
    """Write all committed records of a topic up to its present end; returns their number. Raises ConfigError."""
    return _dump(connection, (topic,), path, progress, lambda record: record.value)


def _dump(
    connection: KafkaConnection,
    topics: Sequence[str],
    path: Path,
    progress: Progress,
    line_of: Callable[[ConsumerRecord], bytes | None],
    begin: Callable[[KafkaConsumer, list[TopicPartition]], None] = lambda consumer, partitions: None,
) -> int:
    count = 0
    with _consumer(connection) as consumer, path.open("wb") as out:
        ranges = _ranges(consumer, topics, begin)
        total, done = sum(end - start for _, start, end in ranges), 0
        for partition, start, end in ranges:
            for record in _records(consumer, partition, start, end):
                progress(done + record.offset - start, total)
                line = line_of(record)
                if line is not None:
                    # In JSON, line breaks occur only between tokens.
                    out.write(line.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n")
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
    """Each partition with its start offset (inclusive) and end offset (exclusive)."""
    from kafka import TopicPartition

    partitions = []
    for topic in topics:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            raise ConfigError(f"topic {topic} does not exist")
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
