"""The producer behind `fraud produce`: librdkafka, fed at a set rate, with a progress bar.

Not kafka-python as elsewhere: its 110 to 170 microseconds an event allow no 10,000 a second, and in a benchmark they are
taken from the job on the same machine.
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
from jobs.interrupts import deferred_interrupt
from jobs.kafka_check import administration, partitions_of
from jobs.kafka_client import librdkafka_settings
from jobs.kafka_settings import KafkaConnection
from simulator.live_events import Retimer, repeated, user_of
from simulator.open_loop import Pace, send_at_rate

SETTINGS = {
    "acks": "all",
    "enable.idempotence": True,  # what is sent again stays in its order
    "linger.ms": 5,
    "batch.size": 128 << 10,
    "message.max.bytes": 8 << 20,
    "partitioner": "murmur2_random",  # a user's partition is the one that Java's and Python's clients choose
}
PATIENCE_S = 30.0
FULL_FOR_S = 60.0
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
    from confluent_kafka import Producer

    with administration(connection) as client:
        if topic not in partitions_of(client, [topic]):
            raise ValueError(f"there is no topic {topic}: make it with `fraud topics create --config FILE`")
    lines: Iterable[bytes] = repeated(events) if repeat else events()
    count = None if seconds is None else max(1, round(rate * seconds))
    lines = islice(lines, count)
    delivery = Delivery(Pace(rate))
    troubles: deque[str] = deque(maxlen=1)
    watched = {"error_cb": lambda error: troubles.append(error.str())}
    producer = Producer(librdkafka_settings(connection) | SETTINGS | watched, logger=logging.getLogger("kafka"))
    with deferred_interrupt() as asked, progress_bar(f"sending to {topic}") as progress:
        shown = with_progress(lines, progress, count)
        sender = _sender(producer, topic, delivery, now, asked.is_set)
        try:
            send_at_rate(shown, rate, sender, time.monotonic, time.sleep, delivery.pace, asked.is_set)
        finally:
            unanswered = _flush(producer)
        delivery.interrupted = asked.is_set()
    if unanswered:
        last = f" ({troubles[0]})" if troubles else ""
        delivery.error = delivery.error or f"{unanswered:,} were not answered within {PATIENCE_S:.0f} s{last}"
    return delivery


def _sender(
    producer: Any, topic: str, delivery: Delivery, now: bool, stop: Callable[[], bool]
) -> Callable[[bytes, float], None]:
    from confluent_kafka import KafkaException

    retimer = Retimer()
    started_ms = time.time() * 1_000

    def answered(error: Any, _: Any) -> None:
        if error is None:
            delivery.acknowledged += 1
        else:
            delivery.error = delivery.error or f"{error.name()}: {error.str()}"

    def send(line: bytes, due: float) -> None:
        due_ms = int(started_ms + due * 1_000)
        value = retimer.at(line, due_ms) if now else line
        user = user_of(line).encode()
        given_up = time.monotonic() + FULL_FOR_S
        while True:
            producer.poll(0)  # calls `answered`
            try:
                producer.produce(topic, value, user, timestamp=due_ms, on_delivery=answered)
            except BufferError as error:  # as many are on their way as may be
                if stop() or time.monotonic() > given_up:
                    delivery.error = delivery.error or str(error)
                    return
                producer.poll(0.01)
            except KafkaException as error:  # the record is too large
                answered(error.args[0], None)
                return
            else:
                return

    return send


def _flush(producer: Any) -> int:
    """Wait for all answers; how many did not come. In short turns, between which a second Ctrl-C is heard."""
    ends = time.monotonic() + PATIENCE_S
    unanswered: int = producer.flush(0.5)
    while unanswered and time.monotonic() < ends:
        unanswered = producer.flush(0.5)
    return unanswered


def with_progress(lines: Iterable[bytes], progress: Callable[[int, int], None], count: int | None) -> Iterator[bytes]:
    """The same lines, telling the progress every now and then."""
    number = 0
    for number, line in enumerate(lines, 1):
        yield line
        if number % LINES_BETWEEN_REPORTS == 0 and count is not None:
            progress(number, count)
    progress(number, number)
