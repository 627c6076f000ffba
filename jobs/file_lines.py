"""The lines of a file as a SQL table of bytes, read on where they were left after any number of restores.

Not by the table connector of files: its reader of lines (`DeserializationSchemaAdapter` of Flink 2.3) saves how many
records it has read since it was itself restored, so that the second restore goes back in the file. The reader of text
lines saves their number from the start of the file. In ISO-8859-1 each byte is one character and becomes that byte again.
"""

from __future__ import annotations

from pathlib import Path

from pyflink.common import WatermarkStrategy
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.datastream.connectors.file_system import FileSource, StreamFormat
from pyflink.table import StreamTableEnvironment

NAME = "events"  # part of the operator's uid
ONE_BYTE_A_CHARACTER = "ISO-8859-1"
_NO_LINE = (
    "SELECT CAST(nothing AS BYTES) AS payload FROM (VALUES (CAST(NULL AS STRING))) AS no_rows(nothing) WHERE 1 = 0"
)


def file_lines(path: str, table_environment: StreamTableEnvironment) -> str:
    """SQL of a table with one column `payload`, BYTES: the lines without their ends, which are LF, CR LF or CR."""
    if Path(path).stat().st_size == 0:
        return f"({_NO_LINE})"  # Flink's reader fails on a file without a byte
    environment = StreamExecutionEnvironment(table_environment._get_j_env())
    lines = FileSource.for_record_stream_format(StreamFormat.text_line_format(ONE_BYTE_A_CHARACTER), path).build()
    stream = environment.from_source(lines, WatermarkStrategy.no_watermarks(), NAME)
    table_environment.create_temporary_view("event_lines", table_environment.from_data_stream(stream).alias("line"))
    return f"(SELECT ENCODE(line, '{ONE_BYTE_A_CHARACTER}') AS payload FROM event_lines)"
