"""Opens an input by its name: CSV, JSON Lines or Parquet, a single file or a folder."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Protocol

from ingest.errors import InputError
from ingest.schema import CsvSpec
from ingest.sources.chunk import CHUNK_ROWS, Chunk
from ingest.sources.text_file import COMPRESSED, zip_member

CSV, JSON_LINES, PARQUET = "csv", "jsonl", "parquet"
FORMATS = (CSV, JSON_LINES, PARQUET)
_BY_SUFFIX = {
    ".csv": CSV, ".tsv": CSV, ".txt": CSV, ".jsonl": JSON_LINES, ".ndjson": JSON_LINES, ".json": JSON_LINES,
    ".parquet": PARQUET, ".pq": PARQUET,
}  # fmt: skip

SPREADSHEETS = (".xlsx", ".xls", ".ods")


class Source(Protocol):
    """A foreign file, opened by its constructor and read once. All methods may block on file access.

    Order of calls: `column_names` any number of times, `chunks` once, `close` once.
    """

    def column_names(self) -> tuple[str, ...]:
        """The columns of the header, or of the first rows where the format has no header. Does not consume rows."""

    def chunks(self, columns: Collection[str]) -> Iterator[Chunk]:
        """Yields all rows in order, with those of `columns` that the source has.

        A row that cannot be parsed is reported in `Chunk.broken`. Raises InputError where the file as a whole cannot be
        read.
        """

    def close(self) -> None:
        """Closes the file; the source cannot be used afterwards."""


def open_source(path: Path, csv: CsvSpec, file_format: str | None = None, chunk_rows: int = CHUNK_ROWS) -> Source:
    """Opens a file as `file_format`, by default by its suffix, also where it is compressed. Raises InputError."""
    if not path.exists():
        raise InputError(f"no such file: {path}")
    openers: dict[str, Callable[[], Source]] = {
        CSV: lambda: _csv(path, csv, chunk_rows),
        JSON_LINES: lambda: _json_lines(path, chunk_rows),
        PARQUET: lambda: _parquet(path, chunk_rows),
    }
    return openers[file_format or format_of(path)]()


def format_of(path: Path) -> str:
    """The format of a file by its suffix. Raises InputError for an unknown suffix."""
    inside = Path(zip_member(path)) if path.suffix.lower() == ".zip" and path.is_file() else path
    suffixes = [suffix.lower() for suffix in inside.suffixes if suffix.lower() not in COMPRESSED]
    found = _BY_SUFFIX.get(suffixes[-1]) if suffixes else None
    if found is None and suffixes and suffixes[-1] in SPREADSHEETS:
        raise InputError(f"{path} is a spreadsheet: save its sheet as CSV (UTF-8), ids as text")
    if found == PARQUET and inside is not path:
        raise InputError(f"{path}: unpack it, a Parquet file is not read from an archive")
    if found is None:
        raise InputError(f"{path}: unknown suffix; set the format with --input-format: {', '.join(FORMATS)}")
    return found


def files_of(path: Path) -> list[Path]:
    """The path itself, or a folder's files with a known suffix, sorted by name. Raises InputError."""
    if not path.is_dir():
        return [path]
    inside = sorted(child for child in path.iterdir() if child.is_file() and not child.name.startswith(("_", ".")))
    known = [child for child in inside if {suffix.lower() for suffix in child.suffixes} & {*_BY_SUFFIX, ".zip"}]
    if not known:
        raise InputError(f"the folder {path} has no file with one of the suffixes {', '.join(_BY_SUFFIX)}")
    return known


def _csv(path: Path, csv: CsvSpec, chunk_rows: int) -> Source:
    from ingest.sources.csv_file import CsvSource

    return CsvSource(path, csv, chunk_rows)


def _json_lines(path: Path, chunk_rows: int) -> Source:
    from ingest.sources.json_lines_file import JsonLinesSource

    return JsonLinesSource(path, chunk_rows)


def _parquet(path: Path, chunk_rows: int) -> Source:
    from ingest.sources.parquet_file import ParquetSource

    return ParquetSource(path, chunk_rows)
