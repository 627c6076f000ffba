"""Reads a job's topics: all partitions, without a consumer group, from the offsets in the store.

The offsets are written in the transaction of the records: whatever is killed, nothing is lost or doubled.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from threading import Event as Signal
from typing import TYPE_CHECKING, Any

from console.store.errors import SourceChanged, StoreUnavailable
from console.store.intake import BatchMaker, Kind, Place
from console.store.rows import Batch
from console.store.store import DecisionStore
from udfs.records.codec import decode_event
from udfs.records.event_decoder import EventDecoder
from udfs.records.outputs import Origin

if TYPE_CHECKING:
    from jobs.config.job import JobConfig
    from jobs.config.kafka import KafkaConnection

RECORDS_A_BATCH = 4_000
POLL_SECONDS = 0.2
NEW_PARTITIONS_SECONDS = 60.0
BROKER_SECONDS = 10.0
RETRY_SECONDS = 1.0
NO_KAFKA = "sinks: none is kafka: the store reads a job's topics, or the files of a run"
Topics = dict[str, Kind]

_log = logging.getLogger(__name__)


def topics_of(config: JobConfig) -> list[tuple[KafkaConnection, Topics]]:
    """The topics of a job that the store reads, by connection; none for a job without Kafka."""
    found: list[tuple[KafkaConnection, Topics]] = []

    def add(connection: KafkaConnection, topics: Topics) -> None:
        for known, of_known in found:
            if known == connection:
                of_known.update(topics)
                return
        found.append((connection, topics))

    for sink in config.sinks:
        if sink.kind == "kafka":
            add(sink.connection, {topic: kind for kind, topic in sink.topic_names.items()})
    if config.source.kind == "kafka":
        add(config.source.connection, dict.fromkeys(config.source.topics, "events"))
    return found


def kafka_intakes(store: DecisionStore, config: JobConfig, skip_missing: bool = False) -> list[KafkaIntake]:
    """One intake a connection of the job. Raises ConfigError for a job without Kafka, and for missing credentials."""
    from jobs.config.errors import ConfigError
    from jobs.config.record_format import record_format
    from jobs.kafka.client import librdkafka_settings

    found = topics_of(config)
    if not found:
        raise ConfigError(NO_KAFKA)
    events = record_format(config.source, config.s3)
    return [
        KafkaIntake(store, librdkafka_settings(connection), topics, events.decode, skip_missing, events.key_path)
        for connection, topics in found
    ]


class KafkaIntake:
    """One consumer of all partitions of some topics. Used by one thread at a time."""

    def __init__(
        self,
        store: DecisionStore,
        settings: Mapping[str, Any],
        topics: Topics,
        decode: EventDecoder = decode_event,
        skip_missing: bool = False,
        key_path: str = "$.user_id",
    ) -> None:
        """`settings`: of librdkafka. `decode`, `key_path`: of the job's events. `skip_missing`: go on with the earliest
        records where the next ones are not there any more, instead of SourceChanged.
        """
        from confluent_kafka import Consumer

        self._store = store
        self._topics = topics
        self._skip_missing = skip_missing
        self._maker = BatchMaker(decode, key_path)
        self._waiting: Batch | None = None
        self._next: dict[tuple[str, int], int] = {}
        self._ends: set[tuple[str, int]] = set()
        self._looked = 0.0
        self._consumer = Consumer(
            {
                **settings,
                "group.id": "fraud-store",  # the client wants one; it is never joined
                "enable.auto.commit": False,
                "auto.offset.reset": "error",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.message.max.bytes": 16 << 20,
                "queued.max.messages.kbytes": 64 << 10,
            },
            logger=_log,
        )

    def step(self) -> int:
        """Read and write one batch; returns its number of records, 0 if none came within POLL_SECONDS.

        Raises SourceChanged, and StoreUnavailable: then the same batch is written by the next call. Brokers that do not
        answer are waited for.
        """
        self._assign_new()
        count = 0
        if self._waiting is None:
            count = self._collect()
            if count == 0:
                return 0
            self._waiting = self._maker.take()
        self._store.write(self._waiting)
        self._waiting = None
        return count or 1

    def run(self, stop: Signal, until_end: bool = False, on_written: Callable[[int], None] = lambda _: None) -> int:
        """Read until `stop` is set, or the ends of all partitions; returns the number of records. Raises SourceChanged.

        `on_written`: called with the number of records of each batch that is in the store.

        A store that is unavailable is waited for.
        """
        count = 0
        while not stop.is_set():
            try:
                done = self.step()
            except StoreUnavailable as error:
                if not error.retryable:
                    raise
                _log.warning("the store does not take records, which wait in Kafka: %s", error)
                stop.wait(RETRY_SECONDS)
                continue
            count += done
            on_written(done)
            if until_end and done == 0 and self._next and self._ends >= set(self._next):
                break
        return count

    def lag(self) -> int | None:
        """Records that are in Kafka and not yet in the store, as far as the client knows; None before it knows."""
        from confluent_kafka import TopicPartition

        total = 0
        for (topic, number), place in self._next.items():
            _, high = self._consumer.get_watermark_offsets(TopicPartition(topic, number), cached=True)
            if high < 0:
                return None
            total += max(high - max(place, 0), 0)
        return total if self._next else None

    def close(self) -> None:
        self._consumer.close()

    def _collect(self) -> int:
        """Records into the maker; returns their number."""
        count = 0
        messages: list[Any] = self._consumer.consume(RECORDS_A_BATCH, POLL_SECONDS)
        for message in messages:
            error = message.error()
            if error is not None:
                self._on_error(message, error)
                continue
            topic, number, offset = message.topic(), message.partition(), message.offset()
            self._ends.discard((topic, number))
            place = Place(self._source(topic), number, offset, _written_ms(message))
            self._add(self._topics[topic], message, place)
            self._maker.go_to(place.source, number, offset + 1)
            self._next[topic, number] = offset + 1
            count += 1
        return count

    def _add(self, kind: Kind, message: Any, place: Place) -> None:
        value = message.value() or b""
        if kind == "dead-letters":
            headers = dict(message.headers() or ())
            self._maker.add_letter(value, _text(headers.get("reason")) or "unknown", _origin(headers, place), place)
        elif value:
            self._maker.add(kind, value, place)

    def _on_error(self, message: Any, error: Any) -> None:
        """Raises SourceChanged where the next record is not there any more."""
        from confluent_kafka import KafkaError, TopicPartition

        topic, number = message.topic(), message.partition()
        if error.code() == KafkaError._PARTITION_EOF:
            self._ends.add((topic, number))
        elif error.code() in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):
            low, high = self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=BROKER_SECONDS)
            place = self._next[topic, number]
            if not self._skip_missing or place > high:
                raise SourceChanged(
                    f"topic {topic}, partition {number}: the store has read up to offset {place}, the topic has {low} to "
                    f"{high}: its retention was shorter than the store stood still, or it was made anew; "
                    "start the console with --skip-missing to go on with the earliest records that are there"
                )
            _log.warning(
                "topic %s, partition %d: records %d to %d are not there any more", topic, number, place, low - 1
            )
            self._next[topic, number] = low
            self._consumer.incremental_unassign([TopicPartition(topic, number)])  # it does not fetch any more
            self._consumer.incremental_assign([TopicPartition(topic, number, low)])
        elif error.fatal():
            raise RuntimeError(f"the Kafka client failed: {error}")
        else:
            _log.info("kafka: %s", error)

    def _assign_new(self) -> None:
        """Assign all partitions, and from time to time those that were added since."""
        from confluent_kafka import OFFSET_BEGINNING, KafkaException, TopicPartition

        now = time.monotonic()
        if self._next and now - self._looked < NEW_PARTITIONS_SECONDS:
            return
        self._looked = now
        new = []
        for topic in self._topics:
            try:
                partitions = self._consumer.list_topics(topic, timeout=BROKER_SECONDS).topics[topic].partitions
            except KafkaException as error:
                _log.warning("kafka: topic %s: %s", topic, error)
                continue
            known = self._store.position(self._source(topic))
            for number in partitions:
                if (topic, number) not in self._next:
                    place = known.get(number, OFFSET_BEGINNING)
                    self._next[topic, number] = place
                    new.append(TopicPartition(topic, number, place))
        if new:
            self._consumer.incremental_assign(new)

    def _source(self, topic: str) -> str:
        return f"kafka:{topic}"


def _written_ms(message: Any) -> int:
    kind, at_ms = message.timestamp()
    return int(at_ms) if kind else 0


def _origin(headers: Mapping[str, bytes], place: Place) -> Origin:
    offset = _text(headers.get("offset"))
    return Origin(
        _text(headers.get("topic")) or place.source, _text(headers.get("partition")),
        int(offset) if offset is not None and offset.isdecimal() else None,
    )  # fmt: skip


def _text(header: bytes | None) -> str | None:
    return None if header is None else header.decode(errors="replace").replace("\0", "\ufffd")
