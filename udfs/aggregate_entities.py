"""The Flink process functions of the entity aggregates job, thin: users route events to entities, entities count."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import Any

import msgspec
from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction, RuntimeContext
from pyflink.datastream.state import MapStateDescriptor

from udfs.attributes import Attribute
from udfs.codec import BadRecord, decode_event
from udfs.entity_buckets import BucketSettings, Entity
from udfs.entity_counter import CountingSettings, EntityCounter
from udfs.entity_deltas import (
    Delta,
    EntityRouter,
    SeenTransaction,
    decode_seen,
    encode_delta,
    encode_seen,
    no_profile,
    reads_profiles,
)
from udfs.entity_log import StoredCounts
from udfs.events import Event, Label, Transaction
from udfs.flink_log import FlinkLog, time_to_live
from udfs.fx_rate import FxRate
from udfs.history_writer import HistoryWriter, HistoryWriterSettings
from udfs.incoming import RecordReader
from udfs.money import AmountOutOfRange, MissingRate, Money
from udfs.profile_reader import ProfileReader
from udfs.stores.opening_writer import StoreTarget, open_writer
from udfs.stores.port import StoreUnavailable
from udfs.system_clocks import SYSTEM_CLOCKS
from udfs.time_units import MINUTE_MS

_log = logging.getLogger(__name__)
BYTES = Types.PRIMITIVE_ARRAY(Types.BYTE())
DELTA_TYPE = Types.ROW_NAMED(["entity", "delta"], [Types.STRING(), BYTES])
EVENTS, BAD_RECORDS, DELTAS = "entity-events", "entity-bad-records", "entity-deltas"
REPORT_EVERY = 1_000
LAST_TRIES = 20
PAUSE_SECONDS = 1.0


class RoutingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How records become events, amounts minor units of the base currency, and attributes entities. A timestamp later
    than its arrival + `future_tolerance_ms` is no event; where the source tells no arrival time, one later than
    `latest_timestamp_ms`. Attributes that profiles hold are read from the store `target`."""

    reader: RecordReader
    label_days: int
    target: StoreTarget
    buckets: BucketSettings
    base_currency: str = "USD"
    fx_rates: tuple[FxRate, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    latest_timestamp_ms: int | None = None
    future_tolerance_ms: int = 10 * MINUTE_MS


class RouteEvents(KeyedProcessFunction):
    """Keyed by user: each transaction and label becomes one row (entity, delta) for each entity it counts for.

    What the scoring job makes a dead letter of is skipped and counted.
    """

    def __init__(self, settings: RoutingSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: RuntimeContext) -> None:
        seen = MapStateDescriptor("seen-transactions", Types.STRING(), Types.PICKLED_BYTE_ARRAY())
        seen.enable_time_to_live(time_to_live(self._settings.label_days))
        self._seen = runtime_context.get_map_state(seen)
        self._read = self._settings.reader.read
        self._router = _router_of(self._settings)
        self._count = _Counts(runtime_context, EVENTS, BAD_RECORDS)

    def process_element(self, value: Any, ctx: KeyedProcessFunction.Context) -> Iterable[Any]:
        payload, arrived_at_ms, origin = self._read(value)
        try:
            event = decode_event(payload or b"")
            if event.user_id != ctx.get_current_key() or not self._is_in_time(event, arrived_at_ms):
                raise BadRecord("of another key or of the future")
            remembered, deltas = self._route(event, arrived_at_ms)
        except (BadRecord, MissingRate, AmountOutOfRange) as error:
            _log.debug("skipped a record of %s: %s", origin, error)
            self._count.add(0, 1)
            return ()
        self._count.add(1, 0)
        if remembered is not None and isinstance(event, Transaction | Label):
            self._seen.put(event.transaction_id, encode_seen(remembered))
        encoded: dict[int, bytes] = {}  # one delta is for many entities
        rows = []
        for entity, delta in deltas:
            element = encoded.get(id(delta))
            if element is None:
                element = encoded[id(delta)] = encode_delta(delta)
            rows.append(Row(f"{entity.kind}:{entity.id}", element))
        return rows

    def close(self) -> None:
        if hasattr(self, "_count"):
            self._count.flush()

    def _route(
        self, event: Event, arrived_at_ms: int | None
    ) -> tuple[SeenTransaction | None, list[tuple[Entity, Delta]]]:
        if not isinstance(event, Transaction | Label):
            return None, []
        known = self._seen.get(event.transaction_id)
        seen = decode_seen(known) if known is not None else None
        return self._router.deltas_of(event, event.timestamp if arrived_at_ms is None else arrived_at_ms, seen)

    def _is_in_time(self, event: Any, arrived_at_ms: int | None) -> bool:
        settings = self._settings
        latest_ms = (
            settings.latest_timestamp_ms if arrived_at_ms is None else arrived_at_ms + settings.future_tolerance_ms
        )
        time_ms: int = event.known_at if isinstance(event, Label) else event.timestamp
        return latest_ms is None or time_ms <= latest_ms


def _router_of(settings: RoutingSettings) -> EntityRouter:
    profile_of = no_profile
    if reads_profiles(settings.attributes):
        store = open_writer(settings.target, settings.buckets, SYSTEM_CLOCKS)
        profile_of = ProfileReader(store, SYSTEM_CLOCKS.monotonic_ms, lambda: time.sleep(PAUSE_SECONDS)).profile_of
    return EntityRouter(Money(settings.base_currency, settings.fx_rates), settings.attributes, profile_of)


class AggregationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the counting operator is told. Picklable."""

    counting: CountingSettings
    writer: HistoryWriterSettings
    target: StoreTarget
    buckets: BucketSettings
    cached_entities: int
    state_ttl_days: int


class CountEntities(KeyedProcessFunction):
    """Keyed by entity: counts, and writes what changed to the store.

    A timer of each changed entity is part of the checkpoint: after a restore it writes what the lost process had
    counted, but not yet written.
    """

    def __init__(self, settings: AggregationSettings) -> None:
        self._settings = settings

    def open(self, runtime_context: RuntimeContext) -> None:
        settings = self._settings
        counter = EntityCounter(settings.counting)
        log = _FlinkEntityLog(runtime_context, settings.state_ttl_days)
        self._counts = StoredCounts(log, counter, settings.cached_entities)
        task = runtime_context._runtime_context.getTaskInfo()
        self._writer = HistoryWriter(
            open_writer(settings.target, settings.buckets, SYSTEM_CLOCKS),
            counter,
            settings.writer,
            task.getIndexOfThisSubtask() + 1,
            task.getNumberOfParallelSubtasks(),
        )
        self._progress = _Counts(runtime_context, DELTAS)
        self._opened_ms = _now_ms()

    def process_element(self, value: bytes, ctx: KeyedProcessFunction.Context) -> Iterable[Any]:
        entity = _entity_of(ctx.get_current_key())
        counts = self._counts.add(entity, value)
        self._progress.add(1)
        self._write_later(entity, counts, ctx)
        return ()

    def on_timer(self, timestamp: int, ctx: KeyedProcessFunction.OnTimerContext) -> Iterable[Any]:
        entity = _entity_of(ctx.get_current_key())
        if timestamp <= self._opened_ms + self._writer.wait_ms(entity) and not self._counts.is_cached(entity):
            self._write_later(entity, self._counts.of(entity), ctx)  # a timer of the process before this one
        else:
            self._writer.flush_if_due(_now_ms())
            if self._writer.waits(entity):  # the store is down
                self._set_timer(ctx, self._settings.writer.retry_ms)
        return ()

    def close(self) -> None:
        """A bounded input ends before its last timers: what waits is written now."""
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
    """The log of the entity that the operator is at."""

    def __init__(self, context: RuntimeContext, ttl_days: int) -> None:
        super().__init__(context, "entity", ttl_days)

    def replace(self, snapshot: bytes) -> None:
        self._snapshot.update(snapshot)
        self._entries.clear()


class _Counts:
    """Flink accumulators, told now and then."""

    def __init__(self, context: RuntimeContext, *names: str) -> None:
        java_context = context._runtime_context  # PyFlink has no accumulators of its own
        self._counters = [java_context.getLongCounter(name) for name in names]
        self._waiting = [0] * len(names)
        self._total = 0

    def add(self, *amounts: int) -> None:
        for place, amount in enumerate(amounts):
            self._waiting[place] += amount
        self._total += 1
        if self._total % REPORT_EVERY == 0:
            self.flush()

    def flush(self) -> None:
        for accumulator, amount in zip(self._counters, self._waiting, strict=True):
            accumulator.add(amount)
        self._waiting = [0] * len(self._waiting)


def _entity_of(key: str) -> Entity:
    kind, _, entity_id = key.partition(":")
    return Entity(kind, entity_id)  # type: ignore[arg-type]  # made by RouteEvents


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
