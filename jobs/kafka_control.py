"""Control elements in a Kafka topic of one partition, compacted by the elements' keys."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from jobs.config_errors import ConfigError
from jobs.control_channel import ChannelError, Published, decoded
from jobs.kafka_check import administration
from jobs.kafka_client import java_properties, python_settings
from jobs.kafka_settings import KafkaControl
from udfs.control import MAX_ELEMENT_BYTES, ControlElement, encode_control

READ_SECONDS = 60
POLL_MS = 500


def table_options(control: KafkaControl) -> dict[str, str]:
    """The table's WITH clause: a job without saved state reads the topic from its beginning."""
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
    """The control topic from the publisher's side."""

    def __init__(self, control: KafkaControl) -> None:
        self._control = control

    def read(self) -> list[Published]:
        """All that the topic holds; tombstones are left out. Raises ChannelError."""
        from kafka import KafkaConsumer, TopicPartition

        control = self._control
        with _told_in_one_line(control):
            consumer = KafkaConsumer(
                **python_settings(control.connection), enable_auto_commit=False, isolation_level="read_committed"
            )
            try:
                numbers = consumer.partitions_for_topic(control.topic)
                if numbers != {0}:
                    raise ChannelError(
                        f"topic {control.topic} must have one partition, it has {len(numbers or ())}: "
                        "make it with `fraud topics create --config FILE`"
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
                        decoded(f"{control.topic}, offset {record.offset}", record.value)
                        for record in records
                        if record.value is not None
                    ]
                    waited_ms = 0 if records else waited_ms + POLL_MS
                    if waited_ms > READ_SECONDS * 1_000:
                        raise ChannelError(f"topic {control.topic} cannot be read to its end")
                return found
            finally:
                consumer.close()

    def publish(self, element: ControlElement) -> str:
        """Raises ChannelError, also where somebody else published the same version a moment before."""
        from kafka import KafkaProducer

        control = self._control
        with _told_in_one_line(control):
            producer = KafkaProducer(
                **python_settings(control.connection), acks="all", max_request_size=MAX_ELEMENT_BYTES + 10_000
            )
            try:
                sent = producer.send(control.topic, encode_control(element), element.key.encode())
                place = f"{control.topic}, offset {sent.get(timeout=READ_SECONDS).offset}"
            finally:
                producer.close()
        same = [
            record.place
            for record in self.read()
            if record.element is not None
            and (record.element.key, record.element.version) == (element.key, element.version)
        ]
        if same and same[0] != place:
            raise ChannelError(f"somebody published {element.key} version {element.version} just before: publish again")
        return place


@contextmanager
def _told_in_one_line(control: KafkaControl) -> Iterator[None]:
    from kafka.errors import KafkaError

    try:
        with administration(control.connection):  # tells what is wrong with the connection
            pass
        yield
    except ConfigError as error:
        raise ChannelError(str(error)) from None
    except KafkaError as error:
        raise ChannelError(f"topic {control.topic}: {type(error).__name__}: {' '.join(str(error).split())}") from None
