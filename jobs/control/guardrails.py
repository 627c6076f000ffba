"""Adds the operator that watches guardrails, and writes the elements that it makes to the control stream."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pyflink.common import Types
from pyflink.table import StreamTableEnvironment

from jobs.config.job import FileControl
from jobs.config.kafka import DELIVERY_TIMEOUT_MS, KafkaControl
from jobs.control.file_channel import FileChannel
from jobs.flink_internals.graph import discard, key_by_first, node_of
from jobs.kafka.client import java_properties
from jobs.kafka.writing import delivery_properties, insert
from jobs.pipeline import sql
from jobs.pipeline.operator_ids import pin
from udfs.control.elements import GuardrailControl
from udfs.flink.score_transactions import BYTES, GUARDED, OUTPUT_TYPE
from udfs.flink.watch_guardrails import WatchGuardrails
from udfs.metrics.names import MetricSettings

WATCH_UID = "watch-guardrails"
WRITE_UID = "guardrail-elements"
VIEW = "guardrail_elements"
_COLUMNS = "`key` STRING, `value` BYTES"


@dataclass(frozen=True)
class FilePublisher:
    """Puts elements into a directory of control elements. One that is there already was published before a restart."""

    path: str

    def __call__(self, element: GuardrailControl) -> None:
        channel = FileChannel(Path(self.path))
        if any(
            known.element is not None and (known.element.key, known.element.version) == (element.key, element.version)
            for known in channel.read()
        ):
            return
        channel.publish(element)


def add_guardrails(
    control: FileControl | KafkaControl,
    outputs: str,
    metrics: MetricSettings,
    table_environment: StreamTableEnvironment,
) -> None:
    """Watch the counts among the rows of the view `outputs`, with pinned uids. Elements are written at least once: the same
    one again is ignored."""
    query = f"SELECT `key`, `value` FROM {outputs} WHERE `topic` = {sql.text_literal(GUARDED)}"
    rows = table_environment.to_append_stream(table_environment.sql_query(query), Types.ROW([Types.STRING(), BYTES]))
    pin([node_of(rows)], WATCH_UID)
    publish = FilePublisher(control.path) if isinstance(control, FileControl) else None
    elements = key_by_first(rows, BYTES).process(WatchGuardrails(publish, metrics), output_type=OUTPUT_TYPE)
    node_of(elements).identify(WATCH_UID)
    if isinstance(control, FileControl):
        discard(elements).identify(WRITE_UID)
        return
    table_environment.create_temporary_view(VIEW, table_environment.from_data_stream(elements))
    properties = delivery_properties(0, DELIVERY_TIMEOUT_MS) | java_properties(control.connection)
    options = {
        "connector": "kafka",
        "topic": control.topic,
        "key.format": "raw",
        "key.fields": "key",
        "value.format": "raw",
        "value.fields-include": "EXCEPT_KEY",
        "sink.delivery-guarantee": "at-least-once",
    } | {f"properties.{name}": value for name, value in properties.items()}
    table_environment.execute_sql(f"CREATE TEMPORARY TABLE kafka_control ({_COLUMNS}) {sql.options(options)}")
    insert(f"INSERT INTO kafka_control SELECT `key`, `value` FROM {VIEW}", WRITE_UID, table_environment)
