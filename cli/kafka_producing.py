"""The Kafka producer of `fraud produce`: sends by librdkafka at a constant rate.

kafka-python, used elsewhere, takes 110 to 170 microseconds of CPU an event: too much for 10,000 events a second, and in
a benchmark the job on the same machine loses that time.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from cli.progress import progress_bar
from jobs.config.kafka import KafkaConnection
from jobs.kafka.administration import administration, partitions_of
from jobs.kafka.client import librdkafka_settings
from jobs.runtime.interrupts import deferred_interrupt
from simulator.live_events import Retimer, repeated, user_of
from simulator.open_loop import Pace, send_at_rate

SETTINGS = {
    "acks": "all",
    "enable.idempotence": True,  # retries keep the order
    "batch.size": 128 << 10,
    "message.max.bytes": 8 << 20,
    "partitioner": "murmur2_random",  # same partition as the Java and Python clients choose
}
LINGER_MS = 5
FLUSH_TIMEOUT_S = 30.0
QUEUE_FULL_TIMEOUT_S = 60.0
PROGRESS_INTERVAL_LINES = 500


@dataclass
class Delivery:
    """The pace of sending, the number of acknowledged records, and the first error."""

    pace: Pace
    acknowledged: int = 0
    error: str | None = None
    interrupted: bool = False
    records_before: int = 0
    """Records that the topic held before the first one was sent."""


def produce(
    connection: KafkaConnection,
    topic: str,
    events: Callable[[], Iterable[bytes]],
    rate: float,
    seconds: float | None,
    repeat: bool,
    now: bool,
    linger_ms: int = LINGER_MS,
) -> Delivery:
    """Send the events at `rate` a second and wait for their acknowledgements.

    Raises ConfigError if the brokers cannot be reached, ValueError for a missing topic and for a line that is not an event.
    """
    from confluent_kafka import Producer

    with administration(connection) as client:
        partitions = partitions_of(client, [topic])
        if topic not in partitions:
            raise ValueError(f"topic {topic} does not exist: create it with `fraud topics create --config FILE`")
    lines: Iterable[bytes] = repeated(events) if repeat else events()
    count = None if seconds is None else max(1, round(rate * seconds))
    lines = islice(lines, count)
    delivery = Delivery(Pace(rate))
    last_error: deque[str] = deque(maxlen=1)
    callbacks = {"error_cb": lambda error: last_error.append(error.str())}
    settings = librdkafka_settings(connection) | SETTINGS | {"linger.ms": linger_ms}
    producer = Producer(settings | callbacks, logger=logging.getLogger("kafka"))
    delivery.records_before = _size(connection, topic, partitions[topic])
    with deferred_interrupt() as interrupt, progress_bar(f"sending to {topic}") as progress:
        shown = with_progress(lines, progress, count)
        sender = _sender(producer, topic, delivery, now, interrupt.is_set)
        try:
            send_at_rate(shown, rate, sender, time.monotonic, time.sleep, delivery.pace, interrupt.is_set)
        finally:
            in_flight = _flush(producer)
        delivery.interrupted = interrupt.is_set()
    if in_flight:
        cause = f" ({last_error[0]})" if last_error else ""
        delivery.error = delivery.error or f"{in_flight:,} had no reply within {FLUSH_TIMEOUT_S:.0f} s{cause}"
    return delivery


def _size(connection: KafkaConnection, topic: str, partitions: int) -> int:
    """Number of records in a topic, as far as the brokers tell within five seconds."""
    from confluent_kafka import Consumer, KafkaException, TopicPartition

    consumer: Any = Consumer({**librdkafka_settings(connection), "group.id": "fraud-produce"})
    try:
        ends = [
            consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=5) for number in range(partitions)
        ]
        return sum(high - low for low, high in ends)
    except KafkaException:
        return 0
    finally:
        consumer.close()


def _sender(
    producer: Any, topic: str, delivery: Delivery, now: bool, stop: Callable[[], bool]
) -> Callable[[bytes, float], None]:
    from confluent_kafka import KafkaException

    retimer = Retimer()
    started_ms = time.time() * 1_000

    def on_delivery(error: Any, _: Any) -> None:
        if error is None:
            delivery.acknowledged += 1
        else:
            delivery.error = delivery.error or f"{error.name()}: {error.str()}"

    def send(line: bytes, due: float) -> None:
        due_ms = int(started_ms + due * 1_000)
        value = retimer.at(line, due_ms) if now else line
        user = user_of(line).encode()
        deadline = time.monotonic() + QUEUE_FULL_TIMEOUT_S
        while True:
            producer.poll(0)  # calls `on_delivery`
            try:
                producer.produce(topic, value, user, timestamp=due_ms, on_delivery=on_delivery)
            except BufferError as error:  # the producer's queue is full
                if stop() or time.monotonic() > deadline:
                    delivery.error = delivery.error or str(error)
                    return
                producer.poll(0.01)
            except KafkaException as error:  # the record is too large
                on_delivery(error.args[0], None)
                return
            else:
                return

    return send


def _flush(producer: Any) -> int:
    """Wait at most FLUSH_TIMEOUT_S for all replies; returns the number still in flight.

    Flushes for half a second at a time, so that a second Ctrl-C interrupts it.
    """
    deadline = time.monotonic() + FLUSH_TIMEOUT_S
    in_flight: int = producer.flush(0.5)
    while in_flight and time.monotonic() < deadline:
        in_flight = producer.flush(0.5)
    return in_flight


def with_progress(lines: Iterable[bytes], progress: Callable[[int, int], None], count: int | None) -> Iterator[bytes]:
    """Yields the lines and reports the progress every PROGRESS_INTERVAL_LINES lines."""
    number = 0
    for number, line in enumerate(lines, 1):
        yield line
        if number % PROGRESS_INTERVAL_LINES == 0 and count is not None:
            progress(number, count)
    progress(number, number)
