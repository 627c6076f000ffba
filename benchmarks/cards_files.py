"""Reads columns of a CSV or Parquet file, detecting format, delimiter, compression and encoding."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from benchmarks.cards_columns import TableError
from ingest.suggestion import did_you_mean, listed

DELIMITERS = (",", "|", ";", "\t")
PARQUET_MARK, GZIP_MARK = b"PAR1", b"\x1f\x8b"
FALLBACK_ENCODING = "latin-1"  # decodes any byte


def read_columns(path: Path, needed: Sequence[str]) -> tuple[pa.Table, int]:
    """The needed columns (of CSV as text), and the number of skipped CSV rows whose width differs from the header.

    Raises TableError for a file that cannot be read, and for missing columns.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start == PARQUET_MARK:
            _require(pq.read_schema(path).names, needed, path)
            return pq.read_table(path, columns=list(needed)), 0
        return _read_csv(path, needed, start.startswith(GZIP_MARK))
    except (OSError, UnicodeError, pa.ArrowInvalid) as error:
        raise TableError(f"{path} cannot be read as CSV or Parquet: {' '.join(str(error).split())[:300]}") from None


def _read_csv(path: Path, needed: Sequence[str], is_compressed: bool) -> tuple[pa.Table, int]:
    with gzip.open(path) if is_compressed else path.open("rb") as file:
        header = file.readline().decode("utf-8-sig", "replace")
    delimiter = max(DELIMITERS, key="".join(header.split('"')[::2]).count)
    names = [name.strip().strip('"').strip() for name in header.rstrip("\r\n").split(delimiter)]
    _require(names, needed, path)
    broken: list[Any] = []

    def skip(row: Any) -> str:
        broken.append(row.number)
        return "skip"

    parsing = pa_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=skip)
    conversion = pa_csv.ConvertOptions(column_types=dict.fromkeys(needed, pa.string()), include_columns=list(needed))
    for encoding in ("utf-8", FALLBACK_ENCODING):
        broken.clear()
        reading = pa_csv.ReadOptions(column_names=names, skip_rows=1, encoding=encoding)
        try:
            with pa.input_stream(path, compression="gzip" if is_compressed else None) as stream:
                return pa_csv.read_csv(stream, reading, parsing, conversion), len(broken)
        except pa.ArrowInvalid as error:
            if "UTF8" not in str(error) or encoding == FALLBACK_ENCODING:
                raise
    raise AssertionError("the fallback encoding decodes any byte")


def _require(names: Sequence[str], needed: Sequence[str], path: Path) -> None:
    missing = [name for name in needed if name not in names]
    if missing:
        first = f"{missing[0]}{did_you_mean(missing[0], names)}"
        raise TableError(f"{path}: no column {', '.join([first, *missing[1:]])}; it has {listed(names)}")
