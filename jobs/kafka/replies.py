"""Writes the replies to callers that wait: a Kafka topic beside the sinks, at least once and without delay."""

from __future__ import annotations

from typing import Any

from pyflink.table import StreamTableEnvironment

from jobs.config.kafka import KafkaReplies
from jobs.flink_internals.graph import written_nodes
from jobs.kafka.client import java_properties
from jobs.pipeline import sql
from jobs.pipeline.operator_ids import pin
from udfs.flink.frame import REPLIES

ROLE = "replies-kafka"
_COLUMNS = "`headers` MAP<STRING, BYTES> METADATA, `key` STRING, `value` BYTES"
_PROPERTIES = {"acks": "1", "linger.ms": "0", "delivery.timeout.ms": "30000", "request.timeout.ms": "10000"}


def write_replies(replies: KafkaReplies, view: str, table_environment: StreamTableEnvironment) -> None:
    """Write the view's replies, with pinned uids. A reply's key decides its partition, by Kafka's own partitioner."""
    options = {
        "connector": "kafka",
        "topic": replies.topic,
        "key.format": "raw",
        "key.fields": "key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        "sink.delivery-guarantee": "at-least-once",
    }
    properties = _PROPERTIES | java_properties(replies.connection)
    options |= {f"properties.{name}": value for name, value in properties.items()}
    table_environment.execute_sql(f"CREATE TEMPORARY TABLE kafka_replies ({_COLUMNS}) {sql.options(options)}")
    statements: Any = table_environment.create_statement_set()
    query = f"SELECT `headers`, `key`, `value` FROM {view} WHERE `topic` = {sql.text_literal(REPLIES)}"
    statements.add_insert_sql(f"INSERT INTO kafka_replies {query}")
    before = {node.number for node in written_nodes(table_environment)}
    statements.attach_as_datastream()
    written = [node for node in written_nodes(table_environment) if node.number not in before]
    written[-1].identify(ROLE)
    pin(written, ROLE)
