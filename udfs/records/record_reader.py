"""Readers of a source's elements: payload, arrival time and origin of a record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from udfs.records.outputs import Origin


class RecordReader(Protocol):
    """One implementation a kind of source. Picklable, as it is sent to the operator; called on the operator's thread."""

    def read(self, element: Any) -> tuple[bytes | None, int | None, Origin]:
        """Payload (None for a tombstone), arrival in epoch milliseconds (None if unknown), and origin. Must not block."""
        ...

    def unsaid(self) -> tuple[str, int | None]:
        """Source and arrival of elements that are bytes alone. Asked once a batch."""
        ...


class FileRecordReader:
    """An element is the line itself. Files provide neither arrival times nor, after a restore, line numbers."""

    def __init__(self, path: str) -> None:
        self._origin = Origin(path)

    def read(self, element: bytes) -> tuple[bytes | None, int | None, Origin]:
        return element, None, self._origin

    def unsaid(self) -> tuple[str, int | None]:
        return self._origin.source, None


class KafkaRecordReader:
    """An element is (payload, topic, partition, offset, record timestamp in epoch milliseconds).

    What follows, the address of a reply, is the operator's.
    """

    def __init__(self) -> None:
        self._partitions: dict[int, str] = {}

    def read(self, element: Any) -> tuple[bytes | None, int | None, Origin]:
        payload, topic, partition, offset, arrived_at_ms, *_ = element
        name = self._partitions.get(partition)
        if name is None:
            name = self._partitions[partition] = str(partition)
        return payload, arrived_at_ms, Origin(topic, name, offset)

    def unsaid(self) -> tuple[str, int | None]:
        return "", None  # an element says both


class KinesisRecordReader:
    """An element is the payload only: the connector provides neither shard, sequence number nor arrival.

    The time of reading is used as arrival, so that records from the future are refused; such a record may be accepted when
    it is read again later. Without a clock (`wall_ms` None) there is no arrival time.
    """

    def __init__(self, stream: str, wall_ms: Callable[[], int] | None) -> None:
        self._origin = Origin(stream)
        self._wall_ms = wall_ms

    def read(self, element: bytes) -> tuple[bytes | None, int | None, Origin]:
        return element, None if self._wall_ms is None else self._wall_ms(), self._origin

    def unsaid(self) -> tuple[str, int | None]:
        return self._origin.source, None if self._wall_ms is None else self._wall_ms()
