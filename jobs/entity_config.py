"""The configuration of the entity aggregates job."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StringConstraints

from jobs.aws_settings import S3Section
from jobs.config import Flink, Source, State
from jobs.config_types import NewFile, Timestamp
from jobs.section import Section
from jobs.store_settings import DynamoDBStoreSection, RedisStoreSection, store_settings
from udfs.entity_buckets import BucketSettings
from udfs.entity_counter import CountingSettings
from udfs.history_writer import HistoryWriterSettings
from udfs.incoming import RecordReader
from udfs.stores.opening_writer import SqliteSettings, StoreTarget
from udfs.time_units import DAY_MS, HOUR_MS

if TYPE_CHECKING:
    from udfs.aggregate_entities import AggregationSettings, RoutingSettings


class SqliteTarget(Section):
    """One SQLite file on this machine's disk; made if missing."""

    kind: Literal["sqlite"]
    path: NewFile = Field(description="the file")


Target = Annotated[SqliteTarget | RedisStoreSection | DynamoDBStoreSection, Field(discriminator="kind")]


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
    """What the first operator is told."""
    from udfs.aggregate_entities import RoutingSettings

    aggregates = config.aggregates
    return RoutingSettings(
        reader=reader, label_days=aggregates.label_days, latest_timestamp_ms=aggregates.latest_timestamp
    )


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
