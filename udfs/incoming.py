"""How a source's element becomes a record: its bytes, when it arrived, and where it came from."""

from __future__ import annotations

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
