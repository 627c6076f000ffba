"""Control channel on a compacted Kafka topic of one partition; the record key is the element's key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jobs.config.control import authority_settings
from jobs.config.errors import ConfigError
from jobs.config.kafka import KafkaControl
from jobs.control.channel import ChannelError, Published, decoded, next_link, recorded
from jobs.kafka.administration import administration
from jobs.kafka.client import java_properties, python_settings
from udfs.control.authority import Authority
from udfs.control.chain import chain_of
from udfs.control.elements import MAX_ELEMENT_BYTES, ControlElement, encode_control
from udfs.control.envelope import LateApproval, Link, decode_record, encode_link

READ_SECONDS = 60
POLL_MS = 500
TRIES = 10


def table_options(control: KafkaControl) -> dict[str, str]:
    """Options of the table's WITH clause. A job without saved state reads the topic from its beginning."""
    options = {
        "connector": "kafka",
        "format": "raw",
        "topic": control.topic,
        "scan.startup.mode": "earliest-offset",
    }
    properties = {"auto.offset.reset": "earliest", "isolation.level": "read_committed"}
    properties |= java_properties(control.connection)
    return options | {f"properties.{name}": value for name, value in properties.items()}


class KafkaChannel:
    """Reads and writes the control topic with kafka-python."""

    def __init__(self, control: KafkaControl) -> None:
        self._control = control
        self._authority = Authority(authority_settings(control))

    def read(self) -> list[Published]:
        """All records of the topic except tombstones. Blocks up to 60 s without progress. Raises ChannelError."""
        from kafka import KafkaConsumer, TopicPartition

        control = self._control
        with _channel_errors(control):
            consumer = KafkaConsumer(
                **python_settings(control.connection), enable_auto_commit=False, isolation_level="read_committed"
            )
            try:
                numbers = consumer.partitions_for_topic(control.topic)
                if numbers != {0}:
                    raise ChannelError(
                        f"topic {control.topic} has {len(numbers or ())} partitions, it must have exactly one: "
                        "create it with `fraud topics create --config FILE`"
                    )
                partition = TopicPartition(control.topic, 0)
                consumer.assign([partition])
                consumer.seek_to_beginning(partition)
                end: int = consumer.end_offsets([partition])[partition]
                found = []
                waited_ms = 0
                while consumer.position(partition) < end:
                    records = consumer.poll(timeout_ms=POLL_MS).get(partition, [])
                    found += [
                        decoded(
                            f"{control.topic}, offset {record.offset}", record.value, record.timestamp, self._authority
                        )
                        for record in records
                        if record.value is not None
                    ]
                    waited_ms = 0 if records else waited_ms + POLL_MS
                    if waited_ms > READ_SECONDS * 1_000:
                        raise ChannelError(f"topic {control.topic}: no records within {READ_SECONDS} s")
                return found
            finally:
                consumer.close()

    def append(self, link: Link) -> str:
        """The record's key is its own, so that compaction keeps it. Nothing prevents that another publisher writes at the
        same time: the first one in the topic is in the chain, and the other one is written again."""
        published = self.read()
        written: set[str] = set()
        for _ in range(TRIES):
            placed = next_link(link, published)
            location = self._send(encode_link(placed), f"{_key(placed)}#{placed.hash[:16]}")
            now = self.read()
            if chain_of(recorded(now)).has(placed.number, placed.hash):
                return location
            written.add(location)
            published = [record for record in now if record.location not in written]
        raise ChannelError(f"topic {self._control.topic}: others published at the same time, {TRIES} times: try again")

    def _send(self, payload: bytes, key: str) -> str:
        from kafka import KafkaProducer

        control = self._control
        with _channel_errors(control):
            producer = KafkaProducer(
                **python_settings(control.connection), acks="all", max_request_size=MAX_ELEMENT_BYTES + 10_000
            )
            try:
                sent = producer.send(control.topic, payload, key.encode())
                return f"{control.topic}, offset {sent.get(timeout=READ_SECONDS).offset}"
            finally:
                producer.close()

    def publish(self, element: ControlElement) -> str:
        """Raises ChannelError, also if the same version was published concurrently."""
        location = self._send(encode_control(element), element.key)
        same = [
            record.location
            for record in self.read()
            if record.element is not None
            and (record.element.key, record.element.version) == (element.key, element.version)
        ]
        if same and same[0] != location:
            raise ChannelError(f"{element.key} version {element.version} was published concurrently: publish again")
        return location


def _key(link: Link) -> str:
    if isinstance(link, LateApproval):
        return f"{link.key}/approval"
    element = decode_record(bytes(link.element)).element
    assert element is not None
    return element.key


@contextmanager
def _channel_errors(control: KafkaControl) -> Iterator[None]:
    from kafka.errors import KafkaError

    try:
        with administration(control.connection):  # raises ConfigError with the cause of a failed connection
            pass
        yield
    except ConfigError as error:
        raise ChannelError(str(error)) from None
    except KafkaError as error:
        raise ChannelError(f"topic {control.topic}: {type(error).__name__}: {' '.join(str(error).split())}") from None
