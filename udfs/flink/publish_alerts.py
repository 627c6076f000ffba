"""Flink process function that publishes alerts to SNS, separate from the scorer, so that an outage delays no decisions.

Keyed by shard number. Pending alerts are kept in keyed state until SNS has accepted them: delivery is at least once, with
the same alert id after a crash. Alerts are buffered on arrival and published by timers, with pauses between requests, so
that a slow topic blocks neither the stream nor its checkpoints.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import ListStateDescriptor, ValueStateDescriptor

from udfs.alerts.publisher import AlertPublisher
from udfs.alerts.settings import PublishSettings, SnsSettings
from udfs.alerts.sns import SnsTopic
from udfs.flink.internals import bytes_in_list, is_interrupted
from udfs.flink.metrics_reporter import FlinkMetrics
from udfs.metrics.catalogue import ALERT_METRICS
from udfs.metrics.deltas import DeltaReporter
from udfs.metrics.names import MetricSettings
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.dead_letter import DeadLetterFormat, dead_letter
from udfs.records.outputs import Origin

_log = logging.getLogger(__name__)

END_OF_INPUT_MS = 2**63 - 1
"""Event time of the timer at the end of the input: the only watermark is the final one, and processing-time timers would
be dropped there."""
LONGEST_SLEEP_MS = 100
SPREAD_MS = 20
"""Maximum random delay added to a pause, so that shards retry in random order."""


class AlertPublishing(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of PublishAlerts. Picklable."""

    topic: SnsSettings
    publish: PublishSettings
    letters: DeadLetterFormat
    metrics: MetricSettings = MetricSettings()


class AlertsNotPublished(RuntimeError):
    """Alerts could not be published by `end_patience_ms` after the end of the input; the message has the last error."""


class PublishAlerts(KeyedProcessFunction):
    """Input: alerts as JSON bytes, keyed by shard. Output: rows of dead letters, for alerts that SNS rejects permanently."""

    def __init__(self, settings: AlertPublishing) -> None:
        self._settings = settings

    def open(self, runtime_context: RuntimeContext) -> None:
        settings = self._settings
        self._topic = SnsTopic(settings.topic)
        self._publisher = AlertPublisher(self._topic, settings.publish, SYSTEM_CLOCKS.monotonic_ms, random.random)
        waiting = ListStateDescriptor("waiting", Types.PICKLED_BYTE_ARRAY())
        self._waiting = bytes_in_list(runtime_context.get_list_state(waiting))
        self._count = runtime_context.get_state(ValueStateDescriptor("waiting-count", Types.LONG()))
        self._origin = Origin(settings.topic.topic_arn)
        self._metrics = _Metrics(runtime_context, self._publisher, settings.metrics)

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Iterable[Any]:
        settings = self._settings.publish
        self._waiting.add(value)
        count = (self._count.value() or 0) + 1
        self._count.update(count)
        if count == 1:
            timers = ctx.timer_service()
            timers.register_processing_time_timer(timers.current_processing_time() + settings.linger_ms)
            timers.register_event_time_timer(END_OF_INPUT_MS)
        if count == settings.batch_size:
            timers = ctx.timer_service()
            timers.register_processing_time_timer(timers.current_processing_time())
        while (self._count.value() or 0) >= settings.waiting_limit:  # buffer full: backpressure
            self._sleep()
            yield from self._flush(ctx)
        self._metrics.report(ctx.get_current_key(), self._count.value() or 0)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterable[Any]:
        if timestamp == END_OF_INPUT_MS:
            yield from self._flush_all(ctx)
        elif self._count.value():
            if not self._publisher.pause_ms():
                yield from self._flush(ctx)
            else:
                self._retry_later(ctx)
        self._metrics.report(ctx.get_current_key(), self._count.value() or 0)

    def close(self) -> None:
        if hasattr(self, "_topic"):
            self._topic.close()

    def _flush(self, ctx: Any) -> Iterator[Row]:
        failures = self._publisher.counters.failures
        flushed = self._publisher.flush(list(self._waiting.get() or ()))
        if flushed.waiting:
            self._waiting.update(flushed.waiting)
            self._retry_later(ctx)
        else:  # Flink rejects an update with an empty list
            self._waiting.clear()
        self._count.update(len(flushed.waiting))
        if self._publisher.counters.failures > failures:
            _log.warning(
                "%d alerts are waiting to be published: %s", len(flushed.waiting), self._publisher.last_failure
            )
        for refused in flushed.refused:
            _log.warning("alert rejected: %s", refused.reason)
            letter = dead_letter(
                refused.alert, f"alert not published: {refused.reason}", self._origin, self._settings.letters
            )
            yield Row(letter.destination, letter.key, letter.value, letter.headers)

    def _flush_all(self, ctx: Any) -> Iterator[Row]:
        """Publish all pending alerts at the end of the input; blocks. Raises AlertsNotPublished."""
        give_up_ms = SYSTEM_CLOCKS.monotonic_ms() + self._settings.publish.end_patience_ms
        while self._count.value():
            self._sleep()
            yield from self._flush(ctx)
            if self._count.value() and SYSTEM_CLOCKS.monotonic_ms() > give_up_ms:
                raise AlertsNotPublished(
                    f"{self._count.value()} alerts could not be published: {self._publisher.last_failure}. Correct the "
                    "cause, then restart from the last checkpoint with state.restore_from"
                )

    def _retry_later(self, ctx: Any) -> None:
        timers = ctx.timer_service()
        pause_ms = max(1, self._publisher.pause_ms()) + random.randrange(SPREAD_MS)
        timers.register_processing_time_timer(timers.current_processing_time() + pause_ms)

    def _sleep(self) -> None:
        """Block until the publisher's pause is over. Raises InterruptedError if Flink cancels the job."""
        while pause_ms := self._publisher.pause_ms():
            if is_interrupted():
                raise InterruptedError("the job was cancelled while alerts were waiting to be published")
            time.sleep(min(pause_ms, LONGEST_SLEEP_MS) / 1_000)


class _Metrics:
    """Reports the publisher's counters, and the number of pending alerts in all shards of this instance."""

    def __init__(self, runtime_context: Any, publisher: AlertPublisher, settings: MetricSettings) -> None:
        self._metrics = FlinkMetrics(runtime_context, ALERT_METRICS, settings)
        self._counters = publisher.counters
        self._counts: DeltaReporter[str] = DeltaReporter(self._metrics.add)
        self._waiting: dict[str, int] = {}

    def report(self, shard: str, waiting: int) -> None:
        for name, total in msgspec.structs.asdict(self._counters).items():
            self._counts.report(f"alerts_{name}", total)
        if self._waiting.get(shard) != waiting:
            self._waiting[shard] = waiting
            self._metrics.set("alerts_waiting", sum(self._waiting.values()))
