"""Where events come from: a SQL table of raw bytes, and the key of each record computed in the JVM.

One function a kind of source. The payload stays bytes (as text, invalid UTF-8 would turn into U+FFFD and a broken
record would be scored as valid); no watermark, since event time is the payload's and is the scorer's affair.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pyflink.common import Types
from pyflink.datastream import DataStream, KeyedStream
from pyflink.java_gateway import get_gateway
from pyflink.table import StreamTableEnvironment

from jobs import sql
from jobs.config import FileSource, Source
from jobs.operator_ids import pin
from udfs.incoming import FileRecordReader, RecordReader
from udfs.score_transactions import BYTES

BAD_KEYS = 8
ROLE = "source"


class Records(NamedTuple):
    """The keyed records of a source, and how the operator reads one."""

    stream: KeyedStream
    reader: RecordReader


def open_source(source: Source, table_environment: StreamTableEnvironment) -> Records:
    """The records of the configured source, keyed by user, in the source's order for each key."""
    return _open_file(source, table_environment)


def key_expression(payload: str, key_path: str) -> str:
    """SQL for the routing key of a payload: the id, or for records without a valid one a key that no id equals.

    JSON_VALUE never fails the job and gives integers their decimal text, as the codec does. Other ids than those of the
    contract must not become a key: a lone surrogate kills the job on its way into Python. A key with a space is no id;
    there are a few of them, so that bad records spread over all instances.
    """
    text = f"CAST({payload} AS STRING)"
    found = f"JSON_VALUE({text}, {sql.text_literal(key_path)} NULL ON EMPTY NULL ON ERROR)"
    spread = f"CAST(MOD(CHAR_LENGTH({text}), {BAD_KEYS}) AS STRING)"
    return f"COALESCE(REGEXP_EXTRACT({found}, '^[!-~]{{1,64}}$', 0), CONCAT('bad record ', {spread}))"


def _open_file(source: FileSource, table_environment: StreamTableEnvironment) -> Records:
    table = {"connector": "filesystem", "path": source.path, "format": "raw"}
    table_environment.execute_sql(f"CREATE TEMPORARY TABLE events (payload BYTES) {sql.options(table)}")
    query = f"SELECT {key_expression('payload', source.key_path)}, payload FROM events"
    rows = table_environment.to_append_stream(table_environment.sql_query(query), Types.ROW([Types.STRING(), BYTES]))
    run_by_one(rows)
    pin([rows._j_data_stream.getTransformation()], ROLE)
    return Records(key_by_first(rows, BYTES), FileRecordReader(source.path))


def key_by_first(rows: DataStream, element_type: Any) -> KeyedStream:
    """Rows (key, element) keyed by the key, all in the JVM; the operator gets the element."""
    selector = get_gateway().jvm.org.apache.flink.streaming.api.functions.python.KeyByKeySelector()
    keyed = rows._j_data_stream.keyBy(selector, Types.ROW([Types.STRING()]).get_java_type_info())
    return KeyedStream(keyed, element_type, rows)


def run_by_one(rows: DataStream) -> None:
    """A file is read by one reader, whatever the job's parallelism: its order is the records' order."""
    waiting = [rows._j_data_stream.getTransformation()]
    while waiting:
        node = waiting.pop()
        node.setParallelism(1)
        waiting += list(node.getInputs())
