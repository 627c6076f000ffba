"""Reads the first rows of a table, and tells what kind of records they are."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ingest.column_match import match_columns
from ingest.errors import InputError
from ingest.schema import CsvSpec
from ingest.sources.chunk import Chunk
from ingest.sources.csv_file import CsvSource
from ingest.sources.open import CSV, format_of, open_source
from ingest.targets import TARGETS

SAMPLE_ROWS = 1_000
_APOSTROPHE = "'"


@dataclass(frozen=True)
class Sample:
    """The columns and the first rows; `quote` where a CSV file quotes its texts by another sign than \", and its
    `delimiter`."""

    columns: tuple[str, ...]
    chunk: Chunk
    quote: str | None = None
    delimiter: str | None = None


def read_sample(path: Path, file_format: str | None = None) -> Sample:
    """Raises InputError, also for a table without rows."""
    sample = _read(path, file_format, CsvSpec())
    is_csv = (file_format or format_of(path)) == CSV
    if is_csv and any(map(_is_in_apostrophes, sample.chunk.columns.values())):
        sample = _read(path, file_format, CsvSpec(quote=_APOSTROPHE))
    return sample


def likely_kind(columns: Sequence[str]) -> str:
    """The kind of a table's records: a block list where the columns have no amount but what is blocked."""
    if not match_columns(columns, ["amount"]) and any("block" in column.lower() for column in columns):
        required = TARGETS["block_list"].required
        if set(match_columns(columns, required)) == required:
            return "block_list"
    return "transaction"


def _read(path: Path, file_format: str | None, csv: CsvSpec) -> Sample:
    with closing(open_source(path, csv, file_format, SAMPLE_ROWS)) as source:
        columns = source.column_names()
        if not columns:
            raise InputError(f"{path} is empty: a mapping cannot be guessed")
        chunk = next(source.chunks(columns), None)
        delimiter = source.delimiter if isinstance(source, CsvSource) else None
    if chunk is not None and chunk.broken and not len(chunk.row_numbers):
        raise InputError(f"{path}: none of the first rows can be read, for example {chunk.broken[0]}")
    if chunk is None or not len(chunk.row_numbers):
        raise InputError(f"{path} has a header but no rows: a mapping is guessed from both, add some rows")
    return Sample(columns, chunk, None if csv.quote == CsvSpec().quote else csv.quote, delimiter)


def _is_in_apostrophes(cells: Sequence[object]) -> bool:
    texts = [cell for cell in cells if isinstance(cell, str) and cell.strip()]
    return bool(texts) and all(len(text) > 1 and text[0] == text[-1] == _APOSTROPHE for text in texts)
