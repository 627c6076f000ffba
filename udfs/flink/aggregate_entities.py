"""Flink process functions of the entity aggregates job: RouteEvents (keyed by user) and CountEntities (keyed by entity)."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any

import msgspec
from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.entities.buckets import BucketSettings, Entity
from udfs.entities.counter import CountingSettings, EntityCounter
from udfs.entities.deltas import (
    Delta,
    EntityRouter,
    SeenTransaction,
    decode_seen,
    encode_delta,
    encode_seen,
    no_profile,
    reads_profiles,
)
from udfs.entities.log import StoredCounts
from udfs.flink.accumulators import Accumulators
from udfs.flink.internals import bytes_in_map, subtask_of
from udfs.flink.keyed_log import FlinkLog, time_to_live
from udfs.metrics.deltas import DeltaReporter
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.admission import Admission
from udfs.records.admission_settings import AdmissionSettings
from udfs.records.attributes import Attribute
from udfs.records.codec import BadRecord, decode_event
from udfs.records.event_decoder import EventDecoder
from udfs.records.events import Erasure, Event, Label, Transaction
from udfs.records.record_reader import RecordReader
from udfs.stores.history_writer import HistoryWriter, HistoryWriterSettings
from udfs.stores.opening_writer import StoreTarget, open_writer
from udfs.stores.port import StoreUnavailable
from udfs.stores.profile_reader import ProfileReader
from udfs.values.fx_rates import FxRate
from udfs.values.money import AmountOutOfRange, MissingRate, Money

_log = logging.getLogger(__name__)
BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
DELTA_TYPE = Types.ROW_NAMED(["entity", "delta"], [Types.STRING(), BYTES])
EVENTS, BAD_RECORDS, DELTAS = "entity-events", "entity-bad-records", "entity-deltas"
REPORT_EVERY = 1_000
LAST_TRIES = 20
PAUSE_SECONDS = 1.0


class RoutingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of RouteEvents: decoding of records, conversion of amounts to minor units of the base currency, and
    attributes counted as entities. Attributes held by profiles are read from the store `target`. Picklable."""

    reader: RecordReader
    label_days: int
    target: StoreTarget
    buckets: BucketSettings
    base_currency: str = "USD"
    fx_rates: tuple[FxRate, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    admission: AdmissionSettings = AdmissionSettings()
    decode: EventDecoder = decode_event


class RouteEvents(KeyedProcessFunction):
    """Keyed by user: emits a row (entity, delta) for each entity of a transaction or label.

    Records that the scoring job turns into dead letters are skipped and counted.
    """

    def __init__(self, settings: RoutingSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: RuntimeContext) -> None:
        seen = MapStateDescriptor("seen-transactions", Types.STRING(), Types.PICKLED_BYTE_ARRAY())
        seen.enable_time_to_live(time_to_live(self._settings.label_days))
        self._seen = bytes_in_map(runtime_context.get_map_state(seen))
        self._read = self._settings.reader.read
        self._admit = Admission(self._settings.admission, decode=self._settings.decode).admit
        self._router = _router_of(self._settings)
        self._counts = _Counts(runtime_context, EVENTS, BAD_RECORDS)

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterable[Any]:
        payload, arrived_at_ms, origin = self._read(value)
        try:
            event = self._admit(payload, ctx.get_current_key(), arrived_at_ms)
            remembered, deltas = self._route(event, arrived_at_ms)
        except (BadRecord, MissingRate, AmountOutOfRange) as error:
            _log.debug("skipped a record of %s: %s", origin, error)
            self._counts.count(BAD_RECORDS)
            return ()
        self._counts.count(EVENTS)
        if remembered is not None and isinstance(event, Transaction | Label):
            self._seen.put(event.transaction_id, encode_seen(remembered))
        encoded: dict[int, bytes] = {}  # several entities share one delta
        rows = []
        for entity, delta in deltas:
            element = encoded.get(id(delta))
            if element is None:
                element = encoded[id(delta)] = encode_delta(delta)
            rows.append(Row(f"{entity.kind}:{entity.id}", element))
        return rows

    def close(self) -> None:
        if hasattr(self, "_counts"):
            self._counts.flush()

    def _route(
        self, event: Event, arrived_at_ms: int | None
    ) -> tuple[SeenTransaction | None, list[tuple[Entity, Delta]]]:
        if isinstance(event, Erasure):
            self._seen.clear()
        if not isinstance(event, Transaction | Label):
            return None, []
        known = self._seen.get(event.transaction_id)
        seen = decode_seen(known) if known is not None else None
        return self._router.deltas_of(event, event.timestamp if arrived_at_ms is None else arrived_at_ms, seen)


def _router_of(settings: RoutingSettings) -> EntityRouter:
    profile_of = no_profile
    if reads_profiles(settings.attributes):
        store = open_writer(settings.target, settings.buckets, SYSTEM_CLOCKS)
        profile_of = ProfileReader(store, SYSTEM_CLOCKS.monotonic_ms, lambda: time.sleep(PAUSE_SECONDS)).profile_of
    return EntityRouter(Money(settings.base_currency, settings.fx_rates), settings.attributes, profile_of)


class AggregationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of CountEntities. Picklable."""

    counting: CountingSettings
    writer: HistoryWriterSettings
    target: StoreTarget
    buckets: BucketSettings
    cached_entities: int
    state_ttl_days: int


class CountEntities(KeyedProcessFunction):
    """Keyed by entity: counts in state, and writes changed histories to the store.

    Each changed entity has a timer, which is part of the checkpoint: after a restore it writes changes that were counted
    but not yet written when the process failed.
    """

    def __init__(self, settings: AggregationSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: RuntimeContext) -> None:
        settings = self._settings
        counter = EntityCounter(settings.counting)
        log = _FlinkEntityLog(runtime_context, settings.state_ttl_days)
        self._counts = StoredCounts(log, counter, settings.cached_entities)
        subtask = subtask_of(runtime_context)
        self._writer = HistoryWriter(
            open_writer(settings.target, settings.buckets, SYSTEM_CLOCKS),
            counter,
            settings.writer,
            subtask.number + 1,
            subtask.parallelism,
        )
        self._progress = _Counts(runtime_context, DELTAS)
        self._opened_ms = _now_ms()

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Iterable[Any]:
        entity = _entity_of(ctx.get_current_key())
        counts = self._counts.add(entity, value)
        self._progress.count(DELTAS)
        self._write_later(entity, counts, ctx)
        return ()

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterable[Any]:
        entity = _entity_of(ctx.get_current_key())
        if timestamp <= self._opened_ms + self._writer.wait_ms(entity) and not self._counts.is_cached(entity):
            self._write_later(entity, self._counts.of(entity), ctx)  # a timer set before the restore
        else:
            self._writer.flush_if_due(_now_ms())
            if self._writer.waits(entity):  # the store is down
                self._set_timer(ctx, self._settings.writer.retry_ms)
        return ()

    def close(self) -> None:
        """Write pending changes: timers do not fire after the end of a bounded input. Raises StoreUnavailable."""
        if not hasattr(self, "_writer"):
            return
        self._progress.flush()
        for left in range(LAST_TRIES, 0, -1):
            try:
                self._writer.flush()
                return
            except StoreUnavailable:
                if left == 1:
                    raise
                time.sleep(self._settings.writer.retry_ms / 1_000)

    def _write_later(self, entity: Entity, counts: Any, ctx: Any) -> None:
        if not self._writer.waits(entity):
            self._set_timer(ctx, self._writer.wait_ms(entity))
        self._writer.changed(entity, counts)
        self._writer.flush_if_due(_now_ms())

    def _set_timer(self, ctx: Any, wait_ms: int) -> None:
        ctx.timer_service().register_processing_time_timer(_now_ms() + wait_ms)


class _FlinkEntityLog(FlinkLog):
    """The log of the operator's current key, an entity."""

    def __init__(self, context: RuntimeContext, ttl_days: int) -> None:
        super().__init__(context, "entity", ttl_days)

    def replace(self, snapshot: bytes) -> None:
        self._snapshot.update(snapshot)
        self._entries.clear()


class _Counts:
    """Counts for the client, reported to accumulators every REPORT_EVERY elements."""

    def __init__(self, context: RuntimeContext, *names: str) -> None:
        self._totals = dict.fromkeys(names, 0)
        self._reporter: DeltaReporter[str] = DeltaReporter(Accumulators(context, names).add)
        self._elements = 0

    def count(self, name: str) -> None:
        """Count one element under `name`."""
        self._totals[name] += 1
        self._elements += 1
        if self._elements % REPORT_EVERY == 0:
            self.flush()

    def flush(self) -> None:
        """Report all counts since the last report."""
        self._reporter.report_all(self._totals.items())


def _entity_of(key: str) -> Entity:
    kind, _, entity_id = key.partition(":")
    return Entity(kind, entity_id)  # type: ignore[arg-type]  # key written by RouteEvents


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
