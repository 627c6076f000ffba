"""Reads topics for benchmarks: sizes, records, write times and delays of decisions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import msgspec
from kafka import KafkaConsumer, TopicPartition


class EventTime(msgspec.Struct):
    """Event time of a decision (event_time_ms) or of a passed-through transaction (timestamp), epoch ms."""

    event_time_ms: int | None = None
    timestamp: int | None = None


_decode = msgspec.json.Decoder(EventTime).decode


class KafkaLog:
    """A consumer without a group that reads topics from start to end. Methods block on the broker; not thread-safe."""

    def __init__(self, servers: str, only_committed: bool = False) -> None:
        self._consumer = KafkaConsumer(
            bootstrap_servers=servers,
            isolation_level="read_committed" if only_committed else "read_uncommitted",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=50,
            max_partition_fetch_bytes=4 << 20,
        )

    def size(self, topic: str) -> int:
        """Number of records in a topic."""
        return sum(self._ends(topic).values())

    def offsets(self, topic: str) -> dict[Any, int]:
        """Current end offset of each partition of a topic."""
        return self._ends(topic)

    def records(self, topic: str, start: dict[Any, int] | None = None, timeout_s: float = 240) -> Iterator[Any]:
        """Yields all records from the start (or from offsets) to the current ends; partitions interleave.

        Raises TimeoutError after `timeout_s`, and LookupError for an unknown topic.
        """
        ends = self._ends(topic)
        self._consumer.assign(list(ends))
        for partition in ends:
            self._consumer.seek(partition, (start or {}).get(partition, 0))
        deadline = time.monotonic() + timeout_s
        while any(self._consumer.position(partition) < end for partition, end in ends.items()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{topic} cannot be read to its end")
            for batch in self._consumer.poll(timeout_ms=500, max_records=10_000).values():
                yield from batch

    def longest_gap_ms(self, topic: str) -> int:
        """The longest time between two records of a topic, by their timestamps."""
        times = sorted(int(record.timestamp) for record in self.records(topic))
        return max((later - earlier for earlier, later in pairwise(times)), default=0)

    def close(self) -> None:
        self._consumer.close()

    def _ends(self, topic: str) -> dict[Any, int]:
        numbers = self._consumer.partitions_for_topic(topic)
        if not numbers:
            raise LookupError(f"topic {topic} does not exist")
        ends: dict[Any, int] = self._consumer.end_offsets([TopicPartition(topic, number) for number in numbers])
        return ends


def delays_ms(records: Iterable[Any], warm_up_ms: int) -> list[int]:
    """Milliseconds from each transaction's event time to its record's write time, without the first `warm_up_ms`."""
    found = [(_event_time_ms(record.value), int(record.timestamp)) for record in records]
    first = min(event_ms for event_ms, _ in found) + warm_up_ms
    return [written - event_ms for event_ms, written in found if event_ms >= first]


def _event_time_ms(value: bytes) -> int:
    decoded = _decode(value)
    event_ms = decoded.timestamp if decoded.event_time_ms is None else decoded.event_time_ms
    if event_ms is None:
        raise ValueError("a record has neither event_time_ms nor timestamp")
    return event_ms


def steady_rate(times_ms: list[int], warm_up_share: float) -> float:
    """Records per second after the warm-up, by write times (epoch ms)."""
    times_ms.sort()
    first = int(len(times_ms) * warm_up_share)
    seconds = max(times_ms[-1] - times_ms[first], 1) / 1_000
    return (len(times_ms) - 1 - first) / seconds


def percentiles(values: list[int]) -> dict[str, int]:
    """p50, p95, p99, p99.9 and maximum, by nearest rank."""
    values.sort()
    ranks = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
    return {name: values[min(len(values) - 1, int(share * len(values)))] for name, share in ranks.items()}
