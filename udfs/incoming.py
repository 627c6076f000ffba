"""How a source's element becomes a record: its bytes, when it arrived, and where it came from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from udfs.outputs import Origin


class RecordReader(Protocol):
    """One implementation a kind of source, since their elements differ. Picklable: it travels to the operator."""

    def read(self, element: Any) -> tuple[bytes | None, int | None, Origin]:
        """Payload (None for a tombstone), arrival in epoch milliseconds where it is known, and origin."""
        ...


class FileRecordReader:
    """A file's element is the line itself. Files tell neither when a line arrived nor, when restored, its number."""

    def __init__(self, path: str) -> None:
        self._origin = Origin(path)

    def read(self, element: bytes) -> tuple[bytes | None, int | None, Origin]:
        return element, None, self._origin


class KafkaRecordReader:
    """An element of Kafka is (payload, topic, partition, offset, the record's time in epoch milliseconds)."""

    def __init__(self) -> None:
        self._partitions: dict[int, str] = {}

    def read(self, element: Any) -> tuple[bytes | None, int | None, Origin]:
        payload, topic, partition, offset, arrived_at_ms = element
        name = self._partitions.get(partition)
        if name is None:
            name = self._partitions[partition] = str(partition)
        return payload, arrived_at_ms, Origin(topic, name, offset)


class KinesisRecordReader:
    """An element of Kinesis is the payload alone: the connector tells neither shard, sequence number nor arrival.

    In place of its arrival a record gets the moment that it is read, so that one from the future is refused in a stream
    that never ends; a record that is read again later may then be accepted. Without a clock it gets none.
    """

    def __init__(self, stream: str, wall_ms: Callable[[], int] | None) -> None:
        self._origin = Origin(stream)
        self._wall_ms = wall_ms

    def read(self, element: bytes) -> tuple[bytes | None, int | None, Origin]:
        return element, None if self._wall_ms is None else self._wall_ms(), self._origin
