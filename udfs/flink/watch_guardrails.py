"""Flink process function that watches the guardrails of live rules, over the payments of all instances of the scorer.

Keyed by rule. What it has counted is keyed state: it is exact after a restart and after rescaling. A crossed limit becomes
an element of the control stream, through which all instances of the scorer learn of it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import ValueStateDescriptor

from udfs.control.elements import GuardrailControl, encode_control
from udfs.control.guardrails import GuardedCounts, Watch
from udfs.flink.internals import bytes_in_value
from udfs.flink.metrics_reporter import FlinkMetrics
from udfs.metrics.catalogue import GUARDRAIL_METRICS
from udfs.metrics.names import EVERYWHERE, MetricSettings

_log = logging.getLogger(__name__)

_decode_counts = msgspec.json.Decoder(GuardedCounts).decode
_decode_watch = msgspec.msgpack.Decoder(Watch).decode
_encode_watch = msgspec.msgpack.encode


class WatchGuardrails(KeyedProcessFunction):
    """Input: counts as JSON bytes, keyed by rule. Output: rows of control elements, for the control topic.

    `publish`: puts an element into a control stream of files; None where the rows are written to a topic.
    """

    def __init__(
        self, publish: Callable[[GuardrailControl], None] | None = None, metrics: MetricSettings = EVERYWHERE
    ) -> None:
        self._publish = publish
        self._metric_settings = metrics

    def open(self, runtime_context: RuntimeContext) -> None:
        self._watch = bytes_in_value(
            runtime_context.get_state(ValueStateDescriptor("watch", Types.PICKLED_BYTE_ARRAY()))
        )
        self._metrics = FlinkMetrics(runtime_context, GUARDRAIL_METRICS, self._metric_settings)

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Iterable[Any]:
        counts = _decode_counts(value)
        stored = self._watch.value()
        watch = Watch(counts.version, counts.guardrails) if stored is None else _decode_watch(stored)
        crossed = watch.take(counts)
        self._watch.update(_encode_watch(watch))
        if crossed is None:
            return
        _log.warning(
            "rule %s of rule set version %d is put back to shadow: %s", crossed.rule, crossed.version, crossed.in_words
        )
        self._metrics.add("guardrail_trips", 1, crossed.rule)
        if self._publish is not None:
            self._publish(crossed)
        yield Row("control", crossed.key, encode_control(crossed), None)
