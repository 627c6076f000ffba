"""The producer of `fraud produce --to kinesis`: sends batches, retries throttled records, keeps each user's order."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any, NamedTuple

from cli.kafka_producing import Delivery, with_progress
from cli.progress import progress_bar
from jobs.aws.check import aws_client, aws_errors
from jobs.runtime.interrupts import deferred_interrupt
from simulator.live_events import Retimer, repeated, user_of
from simulator.open_loop import Pace, send_at_rate

MAX_BATCH_RECORDS = 500
MAX_BATCH_BYTES = 5 << 20
LINGER_S = 0.05
INITIAL_BACKOFF_S = 0.1
MAX_BACKOFF_S = 2.0
RETRY_TIMEOUT_S = 30.0


class KinesisTarget(NamedTuple):
    """A stream with region and endpoint; credentials come from AWS's default chain."""

    stream: str
    region: str | None = None
    endpoint: str | None = None


class Record(NamedTuple):
    """One record to send; `user` is its partition key."""

    user: str
    value: bytes


class BatchSender:
    """Collects records and sends them by `put`, which returns an error code, or None, for each record.

    A batch has at most one record a user, since a later one could be accepted when an earlier one is not. Rejected
    records are retried first. After RETRY_TIMEOUT_S without any accepted record the remaining ones are discarded and
    `error` is set. `add` and `flush` block while they send; not thread-safe.
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
        self._pending: list[Record] = []
        self._oldest_added_at = 0.0

    def add(self, record: Record) -> None:
        """Queue a record; flush if a batch is full or the oldest record is LINGER_S old."""
        if not self._pending:
            self._oldest_added_at = self._clock()
        self._pending.append(record)
        if len(self._pending) >= MAX_BATCH_RECORDS or self._clock() - self._oldest_added_at >= LINGER_S:
            self.flush()

    def flush(self) -> None:
        """Send all queued records, with exponential backoff, until all are accepted or the retry timeout expires."""
        last_success, backoff = self._clock(), INITIAL_BACKOFF_S
        while self._pending:
            batch = self._next_batch()
            errors = self._put([self._pending[index] for index in batch])
            accepted = {index for index, error in zip(batch, errors, strict=True) if error is None}
            failed = next((error for error in errors if error is not None), None)
            self._pending = [record for index, record in enumerate(self._pending) if index not in accepted]
            self.acknowledged += len(accepted)
            if accepted:
                last_success, backoff = self._clock(), INITIAL_BACKOFF_S
            if failed is None:
                continue
            if self._clock() - last_success > RETRY_TIMEOUT_S:
                self.error = self.error or failed
                self._pending = []
                return
            self._sleep(backoff)
            backoff = min(2 * backoff, MAX_BACKOFF_S)

    def _next_batch(self) -> list[int]:
        """Indices into the queued records: at most one a user, within the limits of one call."""
        batch: list[int] = []
        users: set[str] = set()
        size = 0
        for index, record in enumerate(self._pending):
            if record.user in users:
                continue
            size += len(record.value) + len(record.user)
            if len(batch) == MAX_BATCH_RECORDS or (batch and size > MAX_BATCH_BYTES):
                break
            batch.append(index)
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
    """Send the events at `rate` a second and wait for their acknowledgements.

    Raises ConfigError if the stream does not exist or access is denied, ValueError for a line that is not an event.
    """
    client = aws_client("kinesis", target.region, target.endpoint)
    name = f"Kinesis stream {target.stream}"
    needed = "kinesis:DescribeStreamSummary and kinesis:PutRecords"
    with aws_errors(name, "create it, or correct its name and region", needed):
        client.describe_stream_summary(StreamName=target.stream)
    lines: Iterable[bytes] = repeated(events) if repeat else events()
    count = None if seconds is None else max(1, round(rate * seconds))
    delivery = Delivery(Pace(rate))
    sender = BatchSender(_putter(client, target.stream), time.monotonic, time.sleep)
    retimer, started_ms = Retimer(), time.time() * 1_000

    def send(line: bytes, due: float) -> None:
        sender.add(Record(user_of(line), retimer.at(line, int(started_ms + due * 1_000)) if now else line))

    with deferred_interrupt() as interrupt, progress_bar(f"sending to {target.stream}") as progress:
        shown = with_progress(islice(lines, count), progress, count)
        send_at_rate(shown, rate, send, time.monotonic, time.sleep, delivery.pace, interrupt.is_set)
        delivery.interrupted = interrupt.is_set()
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
