"""File source: a SQL table of lines as bytes; reading resumes at the right line after any number of restores.

Flink's filesystem table connector is not used: its line reader (`DeserializationSchemaAdapter` of Flink 2.3) saves the
number of records read since its own last restore, so that a second restore rereads records. The text line reader saves
the number of lines from the start of the file. It decodes ISO-8859-1, which maps each byte to one character and back.
"""

from __future__ import annotations

from pathlib import Path

from pyflink.common import Types, WatermarkStrategy
from pyflink.datastream import DataStream
from pyflink.datastream.connectors.file_system import FileSource as FlinkFileSource
from pyflink.datastream.connectors.file_system import StreamFormat
from pyflink.table import StreamTableEnvironment

from jobs.config.job import FileSource
from jobs.flink_internals.graph import environment_of, key_by_first, node_of
from jobs.pipeline.event_source import ROLE, Records, SourceContext
from jobs.pipeline.operator_ids import pin
from jobs.pipeline.routing import key_expression
from udfs.flink.score_transactions import BYTES
from udfs.records.record_reader import FileRecordReader

NAME = "events"  # part of the operator's uid
ONE_BYTE_A_CHARACTER = "ISO-8859-1"
_NO_LINE = (
    "SELECT CAST(nothing AS BYTES) AS payload FROM (VALUES (CAST(NULL AS STRING))) AS no_rows(nothing) WHERE 1 = 0"
)


class FileEvents:
    """Source of the lines of a file, read in order by one reader at any parallelism of the job."""

    def open(self, source: FileSource, context: SourceContext) -> Records:
        tables = context.table_environment
        query = f"SELECT {key_expression('payload', context.key_path)}, payload FROM {_file_lines(source.path, tables)}"
        rows = tables.to_append_stream(tables.sql_query(query), Types.ROW([Types.STRING(), BYTES]))
        read_by_one_instance(rows)
        pin([node_of(rows)], ROLE)
        return Records(key_by_first(rows, BYTES), FileRecordReader(source.path), is_one_sequence=True)


def read_by_one_instance(rows: DataStream) -> None:
    """Set parallelism 1 for all upstream operators of a stream, so that its records stay in order."""
    waiting = [node_of(rows)]
    while waiting:
        node = waiting.pop()
        node.set_parallelism(1)
        waiting += node.inputs


def _file_lines(path: str, table_environment: StreamTableEnvironment) -> str:
    """SQL subquery with one column `payload`, BYTES: the lines without their line ends (LF, CR LF or CR)."""
    if Path(path).stat().st_size == 0:
        return f"({_NO_LINE})"  # Flink's reader fails on an empty file
    lines = FlinkFileSource.for_record_stream_format(StreamFormat.text_line_format(ONE_BYTE_A_CHARACTER), path).build()
    stream = environment_of(table_environment).from_source(lines, WatermarkStrategy.no_watermarks(), NAME)
    table_environment.create_temporary_view("event_lines", table_environment.from_data_stream(stream).alias("line"))
    return f"(SELECT ENCODE(line, '{ONE_BYTE_A_CHARACTER}') AS payload FROM event_lines)"
