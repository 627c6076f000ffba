"""The producer behind `fraud produce`: kafka-python, fed at a set rate, with a progress bar."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from cli.progress import progress_bar
from jobs.interrupts import deferred_interrupt
from jobs.kafka_check import administration, partitions_of
from jobs.kafka_client import python_settings
from jobs.kafka_settings import KafkaConnection
from simulator.live_events import Retimer, repeated, user_of
from simulator.open_loop import Pace, send_at_rate

LINGER_MS = 5
BATCH_BYTES = 128 << 10
LARGEST_BYTES = 8 << 20
PATIENCE_S = 30.0
LINES_BETWEEN_REPORTS = 500


@dataclass
class Delivery:
    """What was sent, how many of it the brokers acknowledged, and the first error that they told."""

    pace: Pace
    acknowledged: int = 0
    error: str | None = None
    interrupted: bool = False


def produce(
    connection: KafkaConnection,
    topic: str,
    events: Callable[[], Iterable[bytes]],
    rate: float,
    seconds: float | None,
    repeat: bool,
    now: bool,
) -> Delivery:
    """Send the events and wait for their acknowledgements.

    Raises ConfigError if the brokers or the topic are not there, ValueError for a line that is no event.
    """
    from kafka import KafkaProducer

    with administration(connection) as client:
        if topic not in partitions_of(client, [topic]):
            raise ValueError(f"there is no topic {topic}: make it with `fraud topics create --config FILE`")
    lines: Iterable[bytes] = repeated(events) if repeat else events()
    count = None if seconds is None else max(1, round(rate * seconds))
    lines = islice(lines, count)
    delivery = Delivery(Pace(rate))
    producer = KafkaProducer(
        **python_settings(connection),
        acks="all",
        linger_ms=LINGER_MS,
        batch_size=BATCH_BYTES,
        max_request_size=LARGEST_BYTES,
    )
    try:
        with deferred_interrupt() as asked, progress_bar(f"sending to {topic}") as progress:
            shown = with_progress(lines, progress, count)
            sender = _sender(producer, topic, delivery, now)
            send_at_rate(shown, rate, sender, time.monotonic, time.sleep, delivery.pace, asked.is_set)
            delivery.interrupted = asked.is_set()
            _flush(producer, delivery)
    finally:
        producer.close(timeout=1)
    return delivery


def _sender(producer: Any, topic: str, delivery: Delivery, now: bool) -> Callable[[bytes, float], None]:
    from kafka.errors import KafkaError

    retimer = Retimer()
    started_ms = time.time() * 1_000

    def acknowledged(_: Any) -> None:
        delivery.acknowledged += 1

    def refused(error: BaseException) -> None:
        delivery.error = delivery.error or f"{type(error).__name__}: {error}"

    def send(line: bytes, due: float) -> None:
        due_ms = int(started_ms + due * 1_000)
        value = retimer.at(line, due_ms) if now else line
        try:
            future = producer.send(topic, value, user_of(line).encode(), timestamp_ms=due_ms)
        except KafkaError as error:  # the buffer stayed full, or the record is too large
            refused(error)
            return
        future.add_callback(acknowledged)
        future.add_errback(refused)

    return send


def _flush(producer: Any, delivery: Delivery) -> None:
    from kafka.errors import KafkaError

    try:
        producer.flush(timeout=PATIENCE_S)
    except KafkaError as error:
        delivery.error = delivery.error or f"{type(error).__name__}: {error}"


def with_progress(lines: Iterable[bytes], progress: Callable[[int, int], None], count: int | None) -> Iterator[bytes]:
    """The same lines, telling the progress every now and then."""
    number = 0
    for number, line in enumerate(lines, 1):
        yield line
        if number % LINES_BETWEEN_REPORTS == 0 and count is not None:
            progress(number, count)
    progress(number, number)
