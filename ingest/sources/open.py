"""Opening an input by its name: CSV, JSON Lines or Parquet, one file or a folder of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Protocol

from ingest.errors import InputError
from ingest.schema import CsvSpec
from ingest.sources.chunk import CHUNK_ROWS, Chunk

CSV, JSON_LINES, PARQUET = "csv", "jsonl", "parquet"
FORMATS = (CSV, JSON_LINES, PARQUET)
_BY_SUFFIX = {
    ".csv": CSV, ".tsv": CSV, ".txt": CSV, ".jsonl": JSON_LINES, ".ndjson": JSON_LINES, ".json": JSON_LINES,
    ".parquet": PARQUET, ".pq": PARQUET,
}  # fmt: skip


class Source(Protocol):
    """A foreign file. `chunks` may be called once; it reads no columns but those asked for."""

    def column_names(self) -> tuple[str, ...]: ...

    def chunks(self, columns: Collection[str]) -> Iterator[Chunk]: ...

    def close(self) -> None: ...


def open_source(path: Path, csv: CsvSpec, file_format: str | None = None, chunk_rows: int = CHUNK_ROWS) -> Source:
    """The file, by `file_format` or else by its suffix (a `.gz` behind it is decompressed). Raises InputError."""
    if not path.exists():
        raise InputError(f"there is no file {path}")
    openers: dict[str, Callable[[], Source]] = {
        CSV: lambda: _csv(path, csv, chunk_rows),
        JSON_LINES: lambda: _json_lines(path, chunk_rows),
        PARQUET: lambda: _parquet(path, chunk_rows),
    }
    return openers[file_format or format_of(path)]()


def format_of(path: Path) -> str:
    """The format that the file's suffix tells. Raises InputError."""
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() != ".gz"]
    found = _BY_SUFFIX.get(suffixes[-1]) if suffixes else None
    if found is None:
        raise InputError(f"{path}: its name tells no format; name one with --input-format: {', '.join(FORMATS)}")
    return found


def files_of(path: Path) -> list[Path]:
    """The path itself, or the files of a folder that have a known suffix, by name. Raises InputError."""
    if not path.is_dir():
        return [path]
    inside = sorted(child for child in path.iterdir() if child.is_file() and not child.name.startswith(("_", ".")))
    known = [child for child in inside if {suffix.lower() for suffix in child.suffixes} & set(_BY_SUFFIX)]
    if not known:
        raise InputError(f"the folder {path} has no file that ends in {', '.join(_BY_SUFFIX)}")
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
