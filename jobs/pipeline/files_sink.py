"""File sink: JSON Lines files, committed at each checkpoint. SQL's own file sink would commit them much later."""

from __future__ import annotations

import os

from pyflink.common.serialization import Encoder
from pyflink.datastream import DataStream
from pyflink.datastream.connectors.file_system import BucketAssigner, FileSink, OutputFileConfig, RollingPolicy

from jobs.config.job import FilesSink
from jobs.flink_internals.graph import write_strings
from jobs.pipeline import sql
from jobs.pipeline.operator_ids import pin
from jobs.pipeline.output_sink import Outputs
from udfs.records.outputs import DESTINATIONS, Destination

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


class OutputFiles:
    """Writes the rows of each topic to a folder of that name."""

    def write(self, sink: FilesSink, outputs: Outputs, role: str) -> DataStream | None:
        for topic in DESTINATIONS:
            _write_topic(sink, topic, outputs, f"{role}-{topic}")
        return None

    def write_refused(self, sink: FilesSink, refused: Outputs, role: str) -> None:
        _write_topic(sink, "dead-letters", refused, role)


def root_and_bucket(directory: str) -> tuple[str, str]:
    """An absolute path or a URL, split into the root of its file system and the path below it."""
    scheme, separator, rest = directory.rpartition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}{separator}{host}/", path


def constant_format(text: str) -> str:
    """A pattern of Java's DateTimeFormatter that gives this text at any time."""
    quoted = text.replace("'", "''")
    return f"'{quoted}'"


def _write_topic(sink: FilesSink, topic: Destination, outputs: Outputs, role: str) -> None:
    """Write the rows of a topic. Dead letters in Kafka's form (bytes with headers) are converted to JSON.

    Flink's state keeps a bucket's directory: a restored job would go on in the directory of the saved one. So the bucket is
    named by its whole path, and another directory is another bucket.
    """
    root, bucket = root_and_bucket(os.path.join(sink.directory, topic))
    file_sink = (
        FileSink.for_row_format(root, Encoder.simple_string_encoder())
        .with_bucket_assigner(BucketAssigner.date_time_bucket_assigner(constant_format(bucket), "UTC"))
        .with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
        .with_output_file_config(OutputFileConfig.builder().with_part_suffix(FILE_SUFFIX).build())
        .build()
    )
    line = LETTER_AS_JSON if topic == "dead-letters" and not outputs.letters.as_json else VALUE_AS_TEXT
    query = f"SELECT {line} FROM {outputs.view} WHERE topic = {sql.text_literal(topic)}"
    lines, files = write_strings(query, file_sink, outputs.table_environment)
    pin([lines], role)
    files.identify(role)
