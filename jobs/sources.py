"""Where events come from: a SQL table of raw bytes, and the key of each record computed in the JVM.

One function a kind of source. The payload stays bytes (as text, invalid UTF-8 would turn into U+FFFD and a broken
record would be scored as valid); no watermark, since event time is the payload's and is the scorer's affair.
"""

from __future__ import annotations

from typing import NamedTuple

from pyflink.common import Types
from pyflink.datastream import DataStream, KeyedStream
from pyflink.table import StreamTableEnvironment

from jobs import sql
from jobs.config import FileSource, Source
from jobs.kafka_settings import KafkaSource
from jobs.kafka_source import ELEMENT, kafka_rows
from jobs.operator_ids import first_of, pin, pin_one
from jobs.routing import key_by_first, key_expression
from udfs.incoming import FileRecordReader, KafkaRecordReader, RecordReader
from udfs.score_transactions import BYTES

ROLE = "source"


class Records(NamedTuple):
    """The keyed records of a source, and how the operator reads one."""

    stream: KeyedStream
    reader: RecordReader


def open_source(source: Source, table_environment: StreamTableEnvironment, restored: bool = False) -> Records:
    """The records of the configured source, keyed by user, in the source's order for each key.

    `restored`: the job goes on from a state that holds the source's place.
    """
    if isinstance(source, KafkaSource):
        return _open_kafka(source, table_environment, restored)
    return _open_file(source, table_environment)


def _open_file(source: FileSource, table_environment: StreamTableEnvironment) -> Records:
    table = {"connector": "filesystem", "path": source.path, "format": "raw"}
    table_environment.execute_sql(f"CREATE TEMPORARY TABLE events (payload BYTES) {sql.options(table)}")
    query = f"SELECT {key_expression('payload', source.key_path)}, payload FROM events"
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


def run_by_one(rows: DataStream) -> None:
    """A file is read by one reader, whatever the job's parallelism: its order is the records' order."""
    waiting = [rows._j_data_stream.getTransformation()]
    while waiting:
        node = waiting.pop()
        node.setParallelism(1)
        waiting += list(node.getInputs())
