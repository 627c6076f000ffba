"""Writes the replies to callers that wait: a Kafka topic beside the sinks, at least once and without delay."""

from __future__ import annotations

from pyflink.table import StreamTableEnvironment

from jobs.config.kafka import DELIVERY_TIMEOUT_MS, KafkaReplies
from jobs.kafka.client import java_properties
from jobs.kafka.writing import delivery_properties, insert
from jobs.pipeline import sql
from udfs.flink.frame import REPLIES

ROLE = "replies-kafka"
_COLUMNS = "`headers` MAP<STRING, BYTES> METADATA, `key` STRING, `value` BYTES"


def write_replies(replies: KafkaReplies, view: str, table_environment: StreamTableEnvironment) -> None:
    """Write the view's replies, with pinned uids. A reply's key decides its partition, by Kafka's own partitioner."""
    properties = delivery_properties(0, DELIVERY_TIMEOUT_MS) | java_properties(replies.connection)
    options = {
        "connector": "kafka",
        "topic": replies.topic,
        "key.format": "raw",
        "key.fields": "key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        "sink.delivery-guarantee": "at-least-once",
    } | {f"properties.{name}": value for name, value in properties.items()}
    table_environment.execute_sql(f"CREATE TEMPORARY TABLE kafka_replies ({_COLUMNS}) {sql.options(options)}")
    query = f"SELECT `headers`, `key`, `value` FROM {view} WHERE `topic` = {sql.text_literal(REPLIES)}"
    insert(f"INSERT INTO kafka_replies {query}", ROLE, table_environment)
