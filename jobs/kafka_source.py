"""Kafka topics as a SQL table of raw bytes with the record's place and time."""

from __future__ import annotations

from pyflink.common import Types
from pyflink.datastream import DataStream
from pyflink.table import StreamTableEnvironment

from jobs import sql
from jobs.kafka_client import java_properties
from jobs.kafka_settings import KafkaSource
from jobs.routing import key_expression
from udfs.score_transactions import BYTES

ELEMENT = Types.ROW([BYTES, Types.STRING(), Types.INT(), Types.LONG(), Types.LONG()])
_COLUMNS = """
    payload BYTES,
    `topic` STRING METADATA VIRTUAL,
    `partition` INT METADATA VIRTUAL,
    `offset` BIGINT METADATA VIRTUAL,
    `timestamp` TIMESTAMP_LTZ(3) METADATA VIRTUAL
"""
_ARRIVED_AT_MS = "EXTRACT(EPOCH FROM `timestamp`) * 1000 + EXTRACT(MILLISECOND FROM `timestamp`)"
_STARTS = {
    "earliest": "earliest-offset",
    "latest": "latest-offset",
    "group-offsets": "group-offsets",
    "timestamp": "timestamp",
    "offsets": "specific-offsets",
}


def kafka_rows(source: KafkaSource, table_environment: StreamTableEnvironment, restored: bool) -> DataStream:
    """Rows (routing key, (payload, topic, partition, offset, arrival in ms)). A tombstone's payload is None."""
    table_environment.execute_sql(
        f"CREATE TEMPORARY TABLE events ({_COLUMNS}) {sql.options(table_options(source, restored))}"
    )
    key = key_expression("payload", source.key_path, spread="`partition`")
    element = f"ROW(payload, `topic`, `partition`, `offset`, {_ARRIVED_AT_MS})"
    rows = table_environment.sql_query(f"SELECT {key}, {element} FROM events")
    return table_environment.to_append_stream(rows, Types.ROW([Types.STRING(), ELEMENT]))


def table_options(source: KafkaSource, restored: bool = False) -> dict[str, str]:
    """The table's WITH clause.

    Flink takes from the start mode what it does when a record that it asks for is gone: with `earliest` and `latest` it
    would go on there without a word. A `restored` job has its offsets, so that its mode is only this.
    """
    options = {
        "connector": "kafka",
        "format": "raw",
        "topic": ";".join(source.topics),
        "scan.startup.mode": "group-offsets" if restored else _STARTS[source.start],
        "scan.topic-partition-discovery.interval": "1 min",
    }
    if restored:
        return (
            options | _bounds(source) | _properties(source, "none" if source.missing_records == "fail" else "earliest")
        )
    if source.start_timestamp is not None:
        options["scan.startup.timestamp-millis"] = str(source.start_timestamp)
    if source.start_offsets is not None:
        options["scan.startup.specific-offsets"] = ";".join(
            f"partition:{partition},offset:{offset}" for partition, offset in sorted(source.start_offsets.items())
        )
    reset = source.without_group_offsets if source.start == "group-offsets" else "earliest"
    return options | _bounds(source) | _properties(source, reset)


def _bounds(source: KafkaSource) -> dict[str, str]:
    return {"scan.bounded.mode": "latest-offset"} if source.until == "latest" else {}


def _properties(source: KafkaSource, reset: str) -> dict[str, str]:
    properties = {
        "group.id": source.group_id,
        "auto.offset.reset": reset,
        "isolation.level": "read_committed",  # what a transactional producer took back is no event
    }
    properties |= java_properties(source.connection) | source.properties
    return {f"properties.{name}": value for name, value in properties.items()}
