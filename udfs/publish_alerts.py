"""The Flink process function that publishes alerts: apart from the scorer, so that a topic that is down delays no decision.

Keyed by a small shard number. What waits is in keyed state and leaves it when the topic has accepted it: after a crash an
alert may be sent twice, with the same id, and none is lost. Alerts are taken in at once and published by timers, with
rests: a topic that is merely slow holds up neither the stream nor its checkpoints.
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
from udfs.dead_letter import LetterForm, dead_letter
from udfs.flink_metrics import FlinkMetrics
from udfs.metric_places import MetricSettings
from udfs.metrics import ALERT_METRICS
from udfs.outputs import Origin
from udfs.system_clocks import SYSTEM_CLOCKS

_log = logging.getLogger(__name__)

END_OF_INPUT_MS = 2**63 - 1
"""There are no watermarks but the last one: an event-time timer fires when the input is over, a processing-time one
would be dropped."""
LONGEST_SLEEP_MS = 100
SPREAD_MS = 20
"""Shards that wait for the same pause come back in a random order, so that each has its turn."""


class AlertPublishing(msgspec.Struct, frozen=True, kw_only=True):
    """All that the operator is told."""

    topic: SnsSettings
    publish: PublishSettings
    letters: LetterForm
    metrics: MetricSettings = MetricSettings()


class AlertsNotPublished(RuntimeError):
    """The input is over and the topic still takes no alerts; the message says why."""


class PublishAlerts(KeyedProcessFunction):
    """Elements are alerts' JSON; rows out are dead letters."""

    def __init__(self, settings: AlertPublishing) -> None:
        self._settings = settings

    def open(self, runtime_context: RuntimeContext) -> None:
        settings = self._settings
        self._topic = SnsTopic(settings.topic)
        self._publisher = AlertPublisher(self._topic, settings.publish, SYSTEM_CLOCKS.monotonic_ms, random.random)
        self._waiting = runtime_context.get_list_state(ListStateDescriptor("waiting", Types.PICKLED_BYTE_ARRAY()))
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
        while (self._count.value() or 0) >= settings.waiting_limit:  # no more is taken: the stream waits
            self._sleep()
            yield from self._flush(ctx)
        self._metrics.tell(ctx.get_current_key(), self._count.value() or 0)

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterable[Any]:
        if timestamp == END_OF_INPUT_MS:
            yield from self._flush_all(ctx)
        elif self._count.value():
            if not self._publisher.pause_ms():
                yield from self._flush(ctx)
            else:
                self._come_back(ctx)
        self._metrics.tell(ctx.get_current_key(), self._count.value() or 0)

    def close(self) -> None:
        if hasattr(self, "_topic"):
            self._topic.close()

    def _flush(self, ctx: Any) -> Iterator[Row]:
        failures = self._publisher.counters.failures
        flushed = self._publisher.flush(list(self._waiting.get() or ()))
        if flushed.waiting:
            self._waiting.update(flushed.waiting)
            self._come_back(ctx)
        else:  # Flink refuses a list state of nothing
            self._waiting.clear()
        self._count.update(len(flushed.waiting))
        if self._publisher.counters.failures > failures:
            _log.warning("%d alerts wait to be published: %s", len(flushed.waiting), self._publisher.last_failure)
        for refused in flushed.refused:
            _log.warning("an alert was refused: %s", refused.reason)
            letter = dead_letter(
                refused.alert, f"alert not published: {refused.reason}", self._origin, self._settings.letters
            )
            yield Row(letter.destination, letter.key, letter.value, letter.headers)

    def _flush_all(self, ctx: Any) -> Iterator[Row]:
        """The input is over: there is nothing left to be delayed by waiting."""
        give_up_ms = SYSTEM_CLOCKS.monotonic_ms() + self._settings.publish.end_patience_ms
        while self._count.value():
            self._sleep()
            yield from self._flush(ctx)
            if self._count.value() and SYSTEM_CLOCKS.monotonic_ms() > give_up_ms:
                raise AlertsNotPublished(
                    f"{self._count.value()} alerts could not be published: {self._publisher.last_failure}. Put it right, "
                    "then go on from the last checkpoint with state.restore_from"
                )

    def _come_back(self, ctx: Any) -> None:
        timers = ctx.timer_service()
        pause_ms = max(1, self._publisher.pause_ms()) + random.randrange(SPREAD_MS)
        timers.register_processing_time_timer(timers.current_processing_time() + pause_ms)

    def _sleep(self) -> None:
        """Until it may be tried again. Raises InterruptedError when Flink cancels the job meanwhile."""
        from pemja import findClass

        thread = findClass("java.lang.Thread")
        while pause_ms := self._publisher.pause_ms():
            if thread.currentThread().isInterrupted():
                raise InterruptedError("the job was cancelled while alerts waited to be published")
            time.sleep(min(pause_ms, LONGEST_SLEEP_MS) / 1_000)


class _Metrics:
    """The publisher's counters as metrics of Flink, and how many alerts wait in all shards of this instance."""

    def __init__(self, runtime_context: Any, publisher: AlertPublisher, settings: MetricSettings) -> None:
        self._metrics = FlinkMetrics(runtime_context, ALERT_METRICS, settings)
        self._counters = publisher.counters
        self._told = dict.fromkeys(publisher.counters.__struct_fields__, 0)
        self._waiting: dict[str, int] = {}

    def tell(self, shard: str, waiting: int) -> None:
        for name, told in self._told.items():
            value = getattr(self._counters, name)
            if value != told:
                self._metrics.add(f"alerts_{name}", value - told)
                self._told[name] = value
        if self._waiting.get(shard) != waiting:
            self._waiting[shard] = waiting
            self._metrics.set("alerts_waiting", sum(self._waiting.values()))
