"""Kafka sink: one SQL table for all outputs, with topic and headers as metadata columns."""

from __future__ import annotations

from typing import Any

from pyflink.datastream import DataStream
from pyflink.table import StreamTableEnvironment

from jobs.config.kafka import KafkaSink
from jobs.flink_internals.graph import written_nodes
from jobs.kafka.client import java_properties
from jobs.pipeline import sql
from jobs.pipeline.operator_ids import pin
from jobs.pipeline.output_sink import Outputs
from udfs.flink.frame import REPLIES

SHORTEST_REQUEST_TIMEOUT_MS = 30_000
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
        write_kafka(sink, outputs.view, role, outputs.table_environment, has_replies=outputs.has_replies)
        return None

    def write_refused(self, sink: KafkaSink, refused: Outputs, role: str) -> None:
        write_kafka(sink, refused.view, role, refused.table_environment, writer="-refused")


def write_kafka(
    sink: KafkaSink,
    view: str,
    role: str,
    table_environment: StreamTableEnvironment,
    writer: str = "",
    has_replies: bool = False,
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
    statements: Any = table_environment.create_statement_set()
    condition = f" WHERE `topic` <> {sql.text_literal(REPLIES)}" if has_replies else ""
    statements.add_insert_sql(f"INSERT INTO {table} SELECT {topic}, `headers`, `key`, `value` FROM {view}{condition}")
    before = {node.number for node in written_nodes(table_environment)}
    statements.attach_as_datastream()
    written = [node for node in written_nodes(table_environment) if node.number not in before]
    written[-1].identify(role)
    pin(written, role)


def table_options(sink: KafkaSink) -> dict[str, str]:
    """Options of the table's WITH clause.

    Sends are retried for `delivery_timeout_ms`; then the job fails and restarts from its last checkpoint. All timeouts of
    the producer are that long, so that a broker outage blocks the job instead of restarting it repeatedly.
    """
    options = {
        "connector": "kafka",
        "topic": ";".join(sink.topic_names.values()),
        "key.format": "raw",
        "key.fields": "key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        "sink.delivery-guarantee": sink.guarantee,
    }
    properties = {
        "acks": "all",
        "enable.idempotence": "true",
        "linger.ms": str(sink.linger_ms),
        "batch.size": str(sink.batch_bytes),
        "compression.type": sink.compression,
        "max.request.size": str(sink.max_request_bytes),
        "delivery.timeout.ms": str(sink.delivery_timeout_ms),
        "request.timeout.ms": str(min(SHORTEST_REQUEST_TIMEOUT_MS, sink.delivery_timeout_ms - sink.linger_ms)),
        "max.block.ms": str(sink.delivery_timeout_ms),
    }
    if sink.transactional_id_prefix is not None:
        options[TRANSACTIONS] = sink.transactional_id_prefix
        properties["transaction.timeout.ms"] = str(sink.transaction_timeout_ms)
    properties |= java_properties(sink.connection) | sink.properties
    return options | {f"properties.{name}": value for name, value in properties.items()}
