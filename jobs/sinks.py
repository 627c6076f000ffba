"""Where outputs go. The operator's one stream of rows (topic, key, value, headers) is split by topic in the JVM."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

from pyflink.common.serialization import Encoder
from pyflink.datastream import DataStream
from pyflink.datastream.connectors.file_system import BucketAssigner, FileSink, OutputFileConfig, RollingPolicy
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment

from jobs import sql
from jobs.aws_settings import SnsSink
from jobs.config import DiscardSink, FilesSink, PrintSink, Sink
from jobs.kafka_settings import KafkaSink
from jobs.kafka_sink import write_kafka
from jobs.operator_ids import pin, pin_one
from jobs.sns_sink import publish_alerts
from udfs.dead_letter import LetterForm
from udfs.metric_places import MetricSettings
from udfs.outputs import DESTINATIONS
from udfs.score_transactions import CONSOLE

OUTPUTS = "outputs"
REFUSED = "refused_alerts"
FILE_SUFFIX = ".jsonl"
VALUE_AS_TEXT = "CAST(`value` AS STRING)"
LETTER_AS_JSON = """JSON_OBJECT(
    KEY 'type' VALUE 'dead_letter',
    KEY 'reason' VALUE CAST(headers['reason'] AS STRING),
    KEY 'payload_base64' VALUE `value`,
    KEY 'payload_sha256' VALUE CAST(headers['payload_sha256'] AS STRING),
    KEY 'origin' VALUE JSON_OBJECT(
        KEY 'source' VALUE CAST(headers['topic'] AS STRING),
        KEY 'partition' VALUE CAST(headers['partition'] AS STRING),
        KEY 'offset' VALUE CAST(CAST(headers['offset'] AS STRING) AS BIGINT)))"""


def add_sinks(
    sinks: tuple[Sink, ...],
    outputs: DataStream,
    letters: LetterForm,
    metrics: MetricSettings,
    table_environment: StreamTableEnvironment,
) -> None:
    """Connect the operator's rows with every sink, with pinned uids."""
    table_environment.create_temporary_view(OUTPUTS, table_environment.from_data_stream(outputs))
    seen: Counter[str] = Counter()
    roles: list[tuple[Sink, str]] = []
    for sink in sinks:
        seen[sink.kind] += 1
        roles.append((sink, f"sink-{sink.kind}" + (f"-{seen[sink.kind]}" if seen[sink.kind] > 1 else "")))
    with_headers = any(isinstance(sink, KafkaSink) for sink in sinks)
    for sink, role in roles:
        if isinstance(sink, FilesSink):
            for topic in DESTINATIONS:
                _write_files(sink, topic, OUTPUTS, f"{role}-{topic}", table_environment, with_headers)
        elif isinstance(sink, KafkaSink):
            write_kafka(sink, OUTPUTS, role, table_environment)
        elif isinstance(sink, PrintSink):
            _print(outputs, role)
        elif isinstance(sink, DiscardSink):
            _discard(outputs, role)
        elif isinstance(sink, SnsSink):
            refused = publish_alerts(sink, OUTPUTS, letters, metrics, table_environment)
            _write_refused(roles, refused, table_environment, with_headers)


def _write_refused(
    roles: list[tuple[Sink, str]], refused: DataStream, table_environment: StreamTableEnvironment, with_headers: bool
) -> None:
    """What the publisher could not deliver, to the other sinks by writers of its own: in one stream with the scorer's
    rows these would no longer reach their sinks without a detour."""
    table_environment.create_temporary_view(REFUSED, table_environment.from_data_stream(refused))
    for sink, role in roles:
        if isinstance(sink, FilesSink):
            _write_files(sink, "dead-letters", REFUSED, f"{role}-refused", table_environment, with_headers)
        elif isinstance(sink, KafkaSink):
            write_kafka(sink, REFUSED, f"{role}-refused", table_environment, writer="-refused")
        elif isinstance(sink, DiscardSink):
            _discard(refused, f"{role}-refused")


def _write_files(
    sink: FilesSink, topic: str, view: str, role: str, table_environment: StreamTableEnvironment, with_headers: bool
) -> None:
    """The view's rows of a topic in files that end with each checkpoint; SQL's own file sink would keep them open for
    long. Where dead letters are bytes with headers, for Kafka, they become JSON here.
    """
    file_sink = (
        FileSink.for_row_format(os.path.join(sink.directory, topic), Encoder.simple_string_encoder())
        .with_bucket_assigner(BucketAssigner.base_path_bucket_assigner())
        .with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
        .with_output_file_config(OutputFileConfig.builder().with_part_suffix(FILE_SUFFIX).build())
        .build()
    )
    line = LETTER_AS_JSON if with_headers and topic == "dead-letters" else VALUE_AS_TEXT
    lines = _lines_of(topic, line, view, table_environment)
    pin([lines.getTransformation()], role)
    pin_one(lines.sinkTo(file_sink.get_java_function()).getTransformation(), role)


def _lines_of(topic: str, line: str, view: str, table_environment: StreamTableEnvironment) -> Any:
    """The topic's values as a Java stream of strings; PyFlink's own conversion to a stream knows rows only."""
    condition = f"topic = {sql.text_literal(topic)}"
    table = table_environment.sql_query(f"SELECT {line} FROM {view} WHERE {condition}")
    text = get_gateway().jvm.org.apache.flink.table.api.DataTypes.STRING()
    return table_environment._j_tenv.toDataStream(table._j_table, text)


def _print(outputs: DataStream, role: str) -> None:
    """Java prints the operator's ready-made lines; DataStream.get_side_output would add a second Python operator.

    One printer for all instances: with more, Flink would put a number before each line.
    """
    printed: Any = outputs._j_data_stream.getSideOutput(CONSOLE.get_java_output_tag()).print()
    printed.setParallelism(1)
    pin_one(printed.getTransformation(), role)


def _discard(outputs: DataStream, role: str) -> None:
    nothing = get_gateway().jvm.org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink()
    pin_one(outputs._j_data_stream.sinkTo(nothing).getTransformation(), role)
