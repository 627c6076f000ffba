"""The configuration of the entity aggregates job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints

from jobs.config.admission import admission_settings
from jobs.config.aws import S3Section, local_file
from jobs.config.errors import ConfigError
from jobs.config.job import Flink, Source, State
from jobs.config.section import Section
from jobs.config.stores import DynamoDBStoreSection, RedisStoreSection, store_settings
from jobs.config.value_types import CurrencyCode, ExistingFile, NewFile, Timestamp
from udfs.entities.buckets import BucketSettings
from udfs.entities.counter import CountingSettings
from udfs.process.remote_files import RemoteFileError
from udfs.records.attribute_values import MAX_ATTRIBUTES, NAME_PATTERN
from udfs.records.attributes import Attribute
from udfs.records.codec import decode_event
from udfs.records.event_decoder import EventDecoder
from udfs.records.record_reader import RecordReader
from udfs.stores.history_writer import HistoryWriterSettings
from udfs.stores.opening_writer import SqliteSettings, StoreTarget
from udfs.values.fx_rates import FxFileError, FxRate, load_fx_rates
from udfs.values.time_units import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from udfs.flink.aggregate_entities import AggregationSettings, RoutingSettings


class SqliteTarget(Section):
    """One local SQLite file; created if missing."""

    kind: Literal["sqlite"]
    path: NewFile = Field(description="path of the file")


Target = Annotated[SqliteTarget | RedisStoreSection | DynamoDBStoreSection, Field(discriminator="kind")]


class CountedAttribute(Section):
    """A text attribute of the bank whose values are counted as entities. Numeric attributes are model inputs as they are
    and need no entry."""

    name: Annotated[str, StringConstraints(pattern=NAME_PATTERN)] = Field(description="name of the attribute")
    holder: Literal["event", "profile"] = Field(
        default="event", description="whether events or profiles hold it; profiles are read from the store"
    )


class Aggregates(Section):
    """What is counted, and how it is written."""

    reader_lag_hours: int = Field(
        default=72, ge=1, description="maximum lag of the scoring job; older hourly buckets are merged into days"
    )
    label_days: int = Field(
        default=90, ge=1, description="days after a transaction during which its label is still counted"
    )
    flush_interval_ms: int = Field(
        default=500, ge=10, le=1_000, description="maximum delay before a change is written to the store"
    )
    cached_entities: int = Field(
        default=200_000, ge=1, description="entities kept decoded in memory, per parallel instance"
    )
    latest_timestamp: Timestamp | None = Field(
        default=None, description="later events are skipped, for sources whose records carry no arrival time"
    )
    fx_rates: ExistingFile | None = Field(
        default=None,
        description="dated exchange rates, the same as the scoring job's; null: all currencies count 1:1",
    )
    base_currency: CurrencyCode = Field(
        default="USD", description="ISO 4217 code of the currency of all sums, the same as the scoring job's"
    )
    attributes: list[CountedAttribute] = Field(
        default=[],
        max_length=2 * MAX_ATTRIBUTES,
        description="text attributes to count, those of the bundle's manifest",
    )


class EntityJobConfig(Section):
    """The whole configuration of the entity aggregates job."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        default="entity-aggregates", description="the job's name in Flink"
    )
    source: Source
    store: Target = Field(description="store that entity histories are written to")
    aggregates: Aggregates = Field(default_factory=Aggregates)
    state: State = Field(default_factory=State)
    flink: Flink = Field(default_factory=Flink)
    s3: S3Section = Field(default_factory=S3Section)


def routing_settings(
    config: EntityJobConfig, reader: RecordReader, decode: EventDecoder = decode_event
) -> RoutingSettings:
    """Settings of the routing operator. Raises ConfigError if the exchange rates cannot be read."""
    from udfs.flink.aggregate_entities import RoutingSettings

    aggregates = config.aggregates
    return RoutingSettings(
        reader=reader,
        decode=decode,
        label_days=aggregates.label_days,
        admission=admission_settings(config.source, aggregates.latest_timestamp),
        target=_target(config.store),
        buckets=BucketSettings(),
        base_currency=aggregates.base_currency,
        fx_rates=_rates(config),
        attributes=tuple(Attribute(one.name, "text", one.holder) for one in aggregates.attributes),
    )


def _rates(config: EntityJobConfig) -> tuple[FxRate, ...]:
    """Read in the client: the operators get the rates, not the path."""
    path = config.aggregates.fx_rates
    if path is None:
        return ()
    try:
        return load_fx_rates(local_file(path, config.s3))
    except (FxFileError, RemoteFileError) as error:
        raise ConfigError(f"aggregates.fx_rates: {error}") from None


def aggregation_settings(config: EntityJobConfig) -> AggregationSettings:
    """Settings of the counting operator. In stores with expiry, an entity's history lives for the state's TTL after its
    last write."""
    from udfs.flink.aggregate_entities import AggregationSettings

    aggregates, buckets = config.aggregates, BucketSettings()
    return AggregationSettings(
        counting=CountingSettings(buckets, reader_lag_ms=aggregates.reader_lag_hours * HOUR_MS),
        writer=HistoryWriterSettings(flush_ms=aggregates.flush_interval_ms, ttl_ms=config.state.ttl_days * DAY_MS),
        target=_target(config.store),
        buckets=buckets,
        cached_entities=aggregates.cached_entities,
        state_ttl_days=config.state.ttl_days,
    )


def _target(store: Target) -> StoreTarget:
    if isinstance(store, SqliteTarget):
        return SqliteSettings(store.path)
    target = store_settings(store)
    assert target is not None  # None only for a memory store
    return target
