"""Kafka sink: one SQL table for all outputs, with topic and headers as metadata columns."""

from __future__ import annotations

from pyflink.datastream import DataStream
from pyflink.table import StreamTableEnvironment

from jobs.config.kafka import KafkaSink
from jobs.kafka.client import java_properties
from jobs.kafka.writing import delivery_properties, insert
from jobs.pipeline import sql
from jobs.pipeline.output_sink import Outputs

TRANSACTIONS = "sink.transactional-id-prefix"
_COLUMNS = """
    `topic` STRING NOT NULL METADATA,
    `headers` MAP<STRING, BYTES> METADATA,
    `key` STRING,
    `value` BYTES
"""


class KafkaOutputs:
    """Writes each output to its Kafka topic. During a broker outage sends are retried for `delivery_timeout_ms`."""

    def write(self, sink: KafkaSink, outputs: Outputs, role: str) -> DataStream | None:
        write_kafka(sink, outputs.view, role, outputs.table_environment, internal=outputs.internal)
        return None

    def write_refused(self, sink: KafkaSink, refused: Outputs, role: str) -> None:
        write_kafka(sink, refused.view, role, refused.table_environment, writer="-refused")


def write_kafka(
    sink: KafkaSink,
    view: str,
    role: str,
    table_environment: StreamTableEnvironment,
    writer: str = "",
    internal: tuple[str, ...] = (),
) -> None:
    """Write the view's rows (topic, key, value, headers) to the topics, with pinned uids.

    `writer`: suffix of the transactional ids; a second writer of the same sink must have a different one.
    """
    table = f"kafka_{view}"
    options = table_options(sink)
    if TRANSACTIONS in options:
        options[TRANSACTIONS] += writer
    table_environment.execute_sql(f"CREATE TEMPORARY TABLE {table} ({_COLUMNS}) {sql.options(options)}")
    names = sink.topic_names
    cases = " ".join(
        f"WHEN {sql.text_literal(name)} THEN CAST({sql.text_literal(names[name])} AS STRING)"
        for name in ("decisions", "alerts", "flags")
    )
    topic = f"CASE `topic` {cases} ELSE CAST({sql.text_literal(names['dead-letters'])} AS STRING) END"
    condition = "".join(
        f" {'AND' if number else 'WHERE'} `topic` <> {sql.text_literal(name)}" for number, name in enumerate(internal)
    )
    rows = f"SELECT {topic}, `headers`, `key`, `value` FROM {view}{condition}"
    insert(f"INSERT INTO {table} {rows}", role, table_environment)


def table_options(sink: KafkaSink) -> dict[str, str]:
    """Options of the table's WITH clause."""
    options = {
        "connector": "kafka",
        "topic": ";".join(sink.topic_names.values()),
        "key.format": "raw",
        "key.fields": "key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        "sink.delivery-guarantee": sink.guarantee,
    }
    properties = delivery_properties(sink.linger_ms, sink.delivery_timeout_ms) | {
        "batch.size": str(sink.batch_bytes),
        "compression.type": sink.compression,
        "max.request.size": str(sink.max_request_bytes),
    }
    if sink.transactional_id_prefix is not None:
        options[TRANSACTIONS] = sink.transactional_id_prefix
        properties["transaction.timeout.ms"] = str(sink.transaction_timeout_ms)
    properties |= java_properties(sink.connection) | sink.properties
    return options | {f"properties.{name}": value for name, value in properties.items()}
