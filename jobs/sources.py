"""Where events come from: the raw bytes of each record, and its key computed in the JVM.

One function a kind of source. The payload stays bytes (as text, invalid UTF-8 would turn into U+FFFD and a broken
record would be scored as valid); no watermark, since event time is the payload's and is the scorer's affair.
"""

from __future__ import annotations

from typing import NamedTuple

from pyflink.common import Types
from pyflink.datastream import DataStream, KeyedStream
from pyflink.table import StreamTableEnvironment

from jobs.aws_settings import KinesisSource
from jobs.config import FileSource, Source
from jobs.file_lines import file_lines
from jobs.kafka_settings import KafkaSource
from jobs.kafka_source import ELEMENT, kafka_rows
from jobs.kinesis_source import kinesis_rows
from jobs.operator_ids import first_of, pin, pin_one
from jobs.routing import key_by_first, key_expression
from udfs.incoming import FileRecordReader, KafkaRecordReader, KinesisRecordReader, RecordReader
from udfs.score_transactions import BYTES
from udfs.system_clocks import SYSTEM_CLOCKS

ROLE = "source"
WALL_MS = SYSTEM_CLOCKS.wall_ms


class Records(NamedTuple):
    """The keyed records of a source, and how the operator reads one."""

    stream: KeyedStream
    reader: RecordReader


def open_source(
    source: Source, table_environment: StreamTableEnvironment, *, restored: bool = False, has_ceiling: bool = False
) -> Records:
    """The records of the configured source, keyed by user, in the source's order for each key.

    `restored`: the job goes on from a state that holds the source's place. `has_ceiling`: a latest timestamp is
    configured, so that no arrival needs to be made up.
    """
    if isinstance(source, KafkaSource):
        return _open_kafka(source, table_environment, restored)
    if isinstance(source, KinesisSource):
        return _open_kinesis(source, table_environment, has_ceiling)
    return _open_file(source, table_environment)


def _open_file(source: FileSource, table_environment: StreamTableEnvironment) -> Records:
    lines = file_lines(source.path, table_environment)
    query = f"SELECT {key_expression('payload', source.key_path)}, payload FROM {lines}"
    rows = table_environment.to_append_stream(table_environment.sql_query(query), Types.ROW([Types.STRING(), BYTES]))
    run_by_one(rows)
    pin([rows._j_data_stream.getTransformation()], ROLE)
    return Records(key_by_first(rows, BYTES), FileRecordReader(source.path))


def _open_kafka(source: KafkaSource, table_environment: StreamTableEnvironment, restored: bool) -> Records:
    rows = kafka_rows(source, table_environment, restored)
    last = rows._j_data_stream.getTransformation()
    pin_one(first_of(last), f"{ROLE}-kafka")
    pin([last], f"{ROLE}-kafka")
    return Records(key_by_first(rows, ELEMENT), KafkaRecordReader())


def _open_kinesis(source: KinesisSource, table_environment: StreamTableEnvironment, has_ceiling: bool) -> Records:
    rows = kinesis_rows(source, table_environment)
    last = rows._j_data_stream.getTransformation()
    pin_one(first_of(last), f"{ROLE}-kinesis")
    pin([last], f"{ROLE}-kinesis")
    return Records(key_by_first(rows, BYTES), KinesisRecordReader(source.stream_arn, None if has_ceiling else WALL_MS))


def run_by_one(rows: DataStream) -> None:
    """A file is read by one reader, whatever the job's parallelism: its order is the records' order."""
    waiting = [rows._j_data_stream.getTransformation()]
    while waiting:
        node = waiting.pop()
        node.setParallelism(1)
        waiting += list(node.getInputs())
