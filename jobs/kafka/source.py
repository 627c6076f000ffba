"""Kafka source: a SQL table of raw bytes with topic, partition, offset and timestamp."""

from __future__ import annotations

from pyflink.common import TypeInformation, Types
from pyflink.datastream import DataStream

from jobs.config.kafka import KafkaSource
from jobs.flink_internals.graph import key_by_first, node_of
from jobs.kafka.client import java_properties
from jobs.pipeline import sql
from jobs.pipeline.event_source import ROLE, Records, SourceContext
from jobs.pipeline.operator_ids import first_of, pin
from jobs.pipeline.routing import key_expression
from udfs.flink.score_transactions import BYTES
from udfs.records.record_reader import KafkaRecordReader
from udfs.records.reply_headers import REPLY_TO, REQUEST_ID

_ELEMENT = [BYTES, Types.STRING(), Types.INT(), Types.LONG(), Types.LONG()]
ELEMENT = Types.ROW(_ELEMENT)
ELEMENT_WITH_REPLY = Types.ROW([*_ELEMENT, Types.STRING(), BYTES])
_COLUMNS = """
    payload BYTES,
    `topic` STRING METADATA VIRTUAL,
    `partition` INT METADATA VIRTUAL,
    `offset` BIGINT METADATA VIRTUAL,
    `timestamp` TIMESTAMP_LTZ(3) METADATA VIRTUAL
"""
_HEADERS = ", `headers` MAP<STRING, BYTES> METADATA VIRTUAL"
_REPLY_TO = f"REGEXP_EXTRACT(CAST(`headers`['{REPLY_TO}'] AS STRING), '^[!-~]{{1,64}}$', 0)"
_ARRIVED_AT_MS = "EXTRACT(EPOCH FROM `timestamp`) * 1000 + EXTRACT(MILLISECOND FROM `timestamp`)"
_STARTS = {
    "earliest": "earliest-offset",
    "latest": "latest-offset",
    "group-offsets": "group-offsets",
    "timestamp": "timestamp",
    "offsets": "specific-offsets",
}


class KafkaEvents:
    """Source of Kafka records, in order within each partition."""

    def open(self, source: KafkaSource, context: SourceContext) -> Records:
        rows = _kafka_rows(source, context)
        first_of(node_of(rows)).identify(f"{ROLE}-kafka")
        pin([node_of(rows)], f"{ROLE}-kafka")
        return Records(key_by_first(rows, _element(context)), KafkaRecordReader())


def _element(context: SourceContext) -> TypeInformation:
    return ELEMENT_WITH_REPLY if context.with_replies else ELEMENT


def _kafka_rows(source: KafkaSource, context: SourceContext) -> DataStream:
    """Rows (routing key, (payload, topic, partition, offset, arrival in ms)). A tombstone's payload is None.

    With replies an element also has the reply's key and the request's id, from the record's headers.
    """
    tables = context.table_environment
    headers = _HEADERS if context.with_replies else ""
    options = sql.options(table_options(source, context.restored))
    tables.execute_sql(f"CREATE TEMPORARY TABLE events ({_COLUMNS}{headers}) {options}")
    key = key_expression("payload", context.key_path, spread="`partition`")
    reply = f", {_REPLY_TO}, `headers`['{REQUEST_ID}']" if context.with_replies else ""
    element = f"ROW(payload, `topic`, `partition`, `offset`, {_ARRIVED_AT_MS}{reply})"
    rows = tables.sql_query(f"SELECT {key}, {element} FROM events")
    return tables.to_append_stream(rows, Types.ROW([Types.STRING(), _element(context)]))


def table_options(source: KafkaSource, restored: bool = False) -> dict[str, str]:
    """Options of the table's WITH clause.

    Flink derives from the start mode how it handles offsets that are no longer available: with `earliest` and `latest` it
    silently continues there. A `restored` job has its offsets in state, so its start mode has no other effect.
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
        "isolation.level": "read_committed",  # skips records of aborted transactions
    }
    properties |= java_properties(source.connection) | source.properties
    return {f"properties.{name}": value for name, value in properties.items()}
