"""All outputs into Kafka by one SQL table, which takes each record's topic and headers from the record."""

from __future__ import annotations

from typing import Any

from pyflink.table import StreamTableEnvironment

from jobs import sql
from jobs.kafka_client import java_properties
from jobs.kafka_settings import KafkaSink
from jobs.operator_ids import pin, pin_one

SHORTEST_REQUEST_TIMEOUT_MS = 30_000
TRANSACTIONS = "sink.transactional-id-prefix"
_COLUMNS = """
    `topic` STRING NOT NULL METADATA,
    `headers` MAP<STRING, BYTES> METADATA,
    `key` STRING,
    `value` BYTES
"""


def write_kafka(
    sink: KafkaSink, view: str, role: str, table_environment: StreamTableEnvironment, writer: str = ""
) -> None:
    """Connect the view's rows (topic, key, value, headers) with the topics, with pinned uids.

    A second writer of the same sink needs a name: transactions of two must not share their ids.
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
    statements.add_insert_sql(f"INSERT INTO {table} SELECT {topic}, `headers`, `key`, `value` FROM {view}")
    environment = table_environment._j_tenv.execEnv()
    before = {node.getId() for node in environment.getTransformations()}
    statements.attach_as_datastream()
    written = [node for node in environment.getTransformations() if node.getId() not in before]
    pin_one(written[-1], role)
    pin(written, role)


def table_options(sink: KafkaSink) -> dict[str, str]:
    """The table's WITH clause.

    A record is tried until `delivery_timeout_ms`; then the job fails and starts again from its last checkpoint. All waits
    of the producer are that long, so that a broker's outage is waited for rather than restarted through.
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
