"""The configuration of the entity aggregates job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints

from jobs.aws_settings import S3Section, s3_settings
from jobs.config import Flink, Source, State
from jobs.config_errors import ConfigError
from jobs.config_types import CurrencyCode, ExistingFile, NewFile, Timestamp, is_remote
from jobs.section import Section
from jobs.store_settings import DynamoDBStoreSection, RedisStoreSection, store_settings
from udfs.attribute_values import MAX_ATTRIBUTES, NAME_PATTERN
from udfs.attributes import Attribute
from udfs.entity_buckets import BucketSettings
from udfs.entity_counter import CountingSettings
from udfs.fx_file import FxFileError, load_fx_rates
from udfs.fx_rate import FxRate
from udfs.history_writer import HistoryWriterSettings
from udfs.incoming import RecordReader
from udfs.remote_files import RemoteFileError, S3Reader, default_cache
from udfs.stores.opening_writer import SqliteSettings, StoreTarget
from udfs.time_units import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from udfs.aggregate_entities import AggregationSettings, RoutingSettings


class SqliteTarget(Section):
    """One SQLite file on this machine's disk; made if missing."""

    kind: Literal["sqlite"]
    path: NewFile = Field(description="the file")


Target = Annotated[SqliteTarget | RedisStoreSection | DynamoDBStoreSection, Field(discriminator="kind")]


class CountedAttribute(Section):
    """A text of the bank's own whose values are counted as entities. Numbers need none: they go into models as they are."""

    name: Annotated[str, StringConstraints(pattern=NAME_PATTERN)] = Field(description="its name")
    holder: Literal["event", "profile"] = Field(
        default="event", description="where its values stand; profiles are read from the store"
    )


class Aggregates(Section):
    """What is counted, and how it is written."""

    reader_lag_hours: int = Field(
        default=72, ge=1, description="how far scoring may be behind; older hours are merged to days"
    )
    label_days: int = Field(default=90, ge=1, description="days after a transaction that its label is still waited for")
    flush_interval_ms: int = Field(default=500, ge=10, le=1_000, description="how long a change may wait to be written")
    cached_entities: int = Field(
        default=200_000, ge=1, description="entities kept decoded in memory, per parallel instance"
    )
    latest_timestamp: Timestamp | None = Field(
        default=None, description="events after it are skipped, where the source does not tell when a record arrived"
    )
    fx_rates: ExistingFile | None = Field(
        default=None,
        description="dated exchange rates, as the scoring job's; without it all currencies count 1:1",
    )
    base_currency: CurrencyCode = Field(
        default="USD", description="ISO 4217 code of the currency that amounts are summed in, as the scoring job's"
    )
    attributes: list[CountedAttribute] = Field(
        default=[], max_length=2 * MAX_ATTRIBUTES, description="texts of the bank's own, those of the bundle's manifest"
    )


class EntityJobConfig(Section):
    """The whole configuration of the entity aggregates job."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)] = Field(
        default="entity-aggregates", description="the job's name in Flink"
    )
    source: Source
    store: Target = Field(description="where histories are written to")
    aggregates: Aggregates = Field(default_factory=Aggregates)
    state: State = Field(default_factory=State)
    flink: Flink = Field(default_factory=Flink)
    s3: S3Section = Field(default_factory=S3Section)


def routing_settings(config: EntityJobConfig, reader: RecordReader) -> RoutingSettings:
    """What the first operator is told. Raises ConfigError for a table of rates that cannot be read."""
    from udfs.aggregate_entities import RoutingSettings

    aggregates = config.aggregates
    return RoutingSettings(
        reader=reader,
        label_days=aggregates.label_days,
        latest_timestamp_ms=aggregates.latest_timestamp,
        target=_target(config.store),
        buckets=BucketSettings(),
        base_currency=aggregates.base_currency,
        fx_rates=_rates(config),
        attributes=tuple(Attribute(one.name, "text", one.holder) for one in aggregates.attributes),
    )


def _rates(config: EntityJobConfig) -> tuple[FxRate, ...]:
    """Read once, here: the operators on other machines get the rates themselves."""
    path = config.aggregates.fx_rates
    if path is None:
        return ()
    try:
        if not is_remote(path):
            return load_fx_rates(Path(path))
        return load_fx_rates(S3Reader(s3_settings(config.s3), default_cache()).file(path))
    except (FxFileError, RemoteFileError) as error:
        raise ConfigError(f"aggregates.fx_rates: {error}") from None


def aggregation_settings(config: EntityJobConfig) -> AggregationSettings:
    """What the second operator is told. A history without any event is gone from stores that forget after it has left
    the longest span."""
    from udfs.aggregate_entities import AggregationSettings

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
    assert target is not None  # only a memory store has none
    return target
