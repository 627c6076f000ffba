"""The producer behind `fraud produce --to kinesis`: records in batches, what was throttled again, users' order kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NamedTuple

from cli.kafka_producing import Delivery, with_progress
from cli.progress import progress_bar
from jobs.aws_check import aws_client, aws_errors
from jobs.interrupts import deferred_interrupt
from simulator.live_events import Retimer, repeated, user_of
from simulator.open_loop import Pace, send_at_rate

RECORDS_AT_ONCE = 500
BYTES_AT_ONCE = 5 << 20
LINGER_S = 0.05
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 2.0
PATIENCE_S = 30.0


class KinesisTarget(NamedTuple):
    """A stream, and how it is reached; credentials come from AWS's own chain."""

    stream: str
    region: str | None = None
    endpoint: str | None = None


class Record(NamedTuple):
    """One record on its way; the user is its partition key."""

    user: str
    value: bytes


class BatchSender:
    """Collects records and sends them by `put`, which gives an error's name, or None, for each.

    A call never holds two records of one user: one could be accepted without the other before it. Records that were not
    accepted go first next time. After `PATIENCE_S` without any success the rest is given up.
    """

    def __init__(
        self,
        put: Callable[[list[Record]], list[str | None]],
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ) -> None:
        self.acknowledged = 0
        self.error: str | None = None
        self._put = put
        self._clock = clock
        self._sleep = sleep
        self._waiting: list[Record] = []
        self._first_at = 0.0

    def add(self, record: Record) -> None:
        """Send what waits once it is a call's worth, or the oldest has waited for long enough."""
        if not self._waiting:
            self._first_at = self._clock()
        self._waiting.append(record)
        if len(self._waiting) >= RECORDS_AT_ONCE or self._clock() - self._first_at >= LINGER_S:
            self.flush()

    def flush(self) -> None:
        """Send all that waits, again and again as long as something is accepted now and then."""
        last_success, pause = self._clock(), FIRST_PAUSE_S
        while self._waiting:
            batch = self._next_batch()
            errors = self._put([self._waiting[place] for place in batch])
            accepted = {place for place, error in zip(batch, errors, strict=True) if error is None}
            failed = next((error for error in errors if error is not None), None)
            self._waiting = [record for place, record in enumerate(self._waiting) if place not in accepted]
            self.acknowledged += len(accepted)
            if accepted:
                last_success, pause = self._clock(), FIRST_PAUSE_S
            if failed is None:
                continue
            if self._clock() - last_success > PATIENCE_S:
                self.error = self.error or failed
                self._waiting = []
                return
            self._sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    def _next_batch(self) -> list[int]:
        batch: list[int] = []
        users: set[str] = set()
        size = 0
        for place, record in enumerate(self._waiting):
            if record.user in users:
                continue
            size += len(record.value) + len(record.user)
            if len(batch) == RECORDS_AT_ONCE or (batch and size > BYTES_AT_ONCE):
                break
            batch.append(place)
            users.add(record.user)
        return batch


def produce_to_kinesis(
    target: KinesisTarget,
    events: Callable[[], Iterable[bytes]],
    rate: float,
    seconds: float | None,
    repeat: bool,
    now: bool,
) -> Delivery:
    """Send the events and wait for their acknowledgements.

    Raises ConfigError if the stream is not there or may not be written, ValueError for a line that is no event.
    """
    client = aws_client("kinesis", target.region, target.endpoint)
    name = f"Kinesis stream {target.stream}"
    needed = "kinesis:DescribeStreamSummary and kinesis:PutRecords"
    with aws_errors(name, "make it, or correct its name and region", needed):
        client.describe_stream_summary(StreamName=target.stream)
    lines: Iterable[bytes] = repeated(events) if repeat else events()
    count = None if seconds is None else max(1, round(rate * seconds))
    delivery = Delivery(Pace(rate))
    sender = BatchSender(_putter(client, target.stream), time.monotonic, time.sleep)
    retimer, started_ms = Retimer(), time.time() * 1_000

    def send(line: bytes, due: float) -> None:
        sender.add(Record(user_of(line), retimer.at(line, int(started_ms + due * 1_000)) if now else line))

    with deferred_interrupt() as asked, progress_bar(f"sending to {target.stream}") as progress:
        shown = with_progress(islice(lines, count), progress, count)
        send_at_rate(shown, rate, send, time.monotonic, time.sleep, delivery.pace, asked.is_set)
        delivery.interrupted = asked.is_set()
        sender.flush()
    delivery.acknowledged, delivery.error = sender.acknowledged, sender.error
    return delivery


def _putter(client: Any, stream: str) -> Callable[[list[Record]], list[str | None]]:
    from botocore.exceptions import BotoCoreError, ClientError

    def put(records: list[Record]) -> list[str | None]:
        entries = [{"Data": record.value, "PartitionKey": record.user} for record in records]
        try:
            answers = client.put_records(StreamName=stream, Records=entries)["Records"]
        except (ClientError, BotoCoreError) as error:
            return [" ".join(str(error).split())] * len(records)
        return [answer.get("ErrorCode") for answer in answers]

    return put
