"""What a benchmark reads from Kafka: sizes of topics, when records were written, and how late decisions were."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from kafka import KafkaConsumer, TopicPartition


class Timed(msgspec.Struct):
    """The moment of the transaction that a decision, or a transaction that was passed through, is about."""

    event_time_ms: int | None = None
    timestamp: int | None = None


_decode = msgspec.json.Decoder(Timed).decode


class KafkaLog:
    """One consumer over the topics of a broker."""

    def __init__(self, servers: str) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=servers,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=4 << 20,
        )

    def size(self, topic: str) -> int:
        """How many records a topic holds."""
        return sum(self._ends(topic).values())

    def offsets(self, topic: str) -> dict[Any, int]:
        """Where each partition of a topic ends now."""
        return self._ends(topic)

    def records(self, topic: str, start: dict[Any, int] | None = None, patience_s: float = 240) -> Iterator[Any]:
        """All records from the start (or from offsets) to the ends as of now, partition by partition in no order."""
        ends = self._ends(topic)
        self._consumer.assign(list(ends))
        for partition in ends:
            self._consumer.seek(partition, (start or {}).get(partition, 0))
        deadline = time.monotonic() + patience_s
        while any(self._consumer.position(partition) < end for partition, end in ends.items()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{topic} cannot be read to its end")
            for batch in self._consumer.poll(timeout_ms=500, max_records=10_000).values():
                yield from batch

    def close(self) -> None:
        self._consumer.close()

    def _ends(self, topic: str) -> dict[Any, int]:
        numbers = self._consumer.partitions_for_topic(topic)
        if not numbers:
            raise LookupError(f"there is no topic {topic}")
        ends: dict[Any, int] = self._consumer.end_offsets([TopicPartition(topic, number) for number in numbers])
        return ends


def delays_ms(records: Iterable[Any], warm_up_ms: int) -> list[int]:
    """Milliseconds from the moment of each transaction to the writing of its record, without the first `warm_up_ms`."""
    found = [(_moment(record.value), int(record.timestamp)) for record in records]
    first = min(moment for moment, _ in found) + warm_up_ms
    return [written - moment for moment, written in found if moment >= first]


def _moment(value: bytes) -> int:
    decoded = _decode(value)
    moment = decoded.timestamp if decoded.event_time_ms is None else decoded.event_time_ms
    if moment is None:
        raise ValueError("a record tells no time")
    return moment


def steady_rate(times_ms: list[int], warm_up_share: float) -> float:
    """Records a second after the warm-up, by the times at which they were written."""
    times_ms.sort()
    first = int(len(times_ms) * warm_up_share)
    seconds = max(times_ms[-1] - times_ms[first], 1) / 1_000
    return (len(times_ms) - 1 - first) / seconds


def percentiles(values: list[int]) -> dict[str, int]:
    """p50, p95, p99, p99.9 and the largest, by the nearest rank."""
    values.sort()
    ranks = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    return {name: values[min(len(values) - 1, int(share * len(values)))] for name, share in ranks.items()}
