"""Decisions in Parquet: written in one pass with bounded memory, read by columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from models.backtest.decision_table import FEATURE_SETS_KEY, FORMAT, FORMAT_KEY, ROWS_A_BATCH, TableForm, schema_of
from models.backtest.errors import BacktestError
from models.event_files import Progress, no_progress

BATCHES_A_GROUP = 8
"""Row groups of 131,072 decisions: what is in memory while writing."""


def write_parquet(batches: Iterable[pa.RecordBatch], form: TableForm, path: Path) -> int:
    """Write the table; returns its rows. The file appears under its name when it is complete. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    rows, group = 0, []
    try:
        with pq.ParquetWriter(partial, schema_of(form), compression="zstd", write_page_index=True) as writer:
            for batch in batches:
                rows += batch.num_rows
                group.append(batch)
                if len(group) == BATCHES_A_GROUP:
                    writer.write_table(pa.Table.from_batches(group))
                    group = []
            if group:
                writer.write_table(pa.Table.from_batches(group))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return rows


class ParquetTable:
    """A file of `fraud store export`, or several of the same columns."""

    def __init__(self, paths: Sequence[Path]) -> None:
        """Raises BacktestError for a file that is none."""
        self._files = [_opened(path) for path in paths]
        schema = self._files[0].schema_arrow
        for path, file in zip(paths, self._files, strict=True):
            if file.schema_arrow != schema:
                raise BacktestError(f"{path}: has other columns than {paths[0]}; export all in the same form")
        self.schema: pa.Schema = schema
        sets: dict[str, list[str]] = msgspec.json.decode((schema.metadata or {}).get(FEATURE_SETS_KEY, b"{}"))
        self.feature_sets = {version: tuple(names) for version, names in sets.items()}
        self.rows = sum(file.metadata.num_rows for file in self._files)

    def form(self) -> TableForm:
        """How the file holds features."""
        if "features" in self.schema.names:
            kind = self.schema.field("features").type
            return TableForm("names", tuple(field.name for field in kind), self.feature_sets)
        if "features_packed" in self.schema.names:
            return TableForm("packed", next(iter(self.feature_sets.values()), ()), self.feature_sets)
        return TableForm("none", (), {})

    def batches(self, columns: Sequence[str], progress: Progress = no_progress) -> Iterator[pa.RecordBatch]:
        """The columns by name, those of a struct as `struct.name`. Batches may be of any size."""
        done = 0
        for file in self._files:
            for batch in file.iter_batches(batch_size=4 * ROWS_A_BATCH, columns=list(columns)):
                done += batch.num_rows
                yield batch
                progress(done, self.rows)

    def newest_moment_ms(self) -> int | None:
        """The latest payment or label of the files (epoch milliseconds); None without any."""
        found: list[int] = []
        for file in self._files:
            for batch in file.iter_batches(batch_size=16 * ROWS_A_BATCH, columns=["event_time", "labels"]):
                labels = pc.struct_field(batch.column("labels").flatten(), "known_at")
                for column in (batch.column("event_time"), labels):
                    newest = pc.max(column.cast(pa.int64())).as_py()
                    found += [] if newest is None else [newest]
        return max(found, default=None)


def _opened(path: Path) -> pq.ParquetFile:
    try:
        file = pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise BacktestError(f"{path}: no Parquet file: {' '.join(str(error).split())}") from None
    found = (file.schema_arrow.metadata or {}).get(FORMAT_KEY, b"").decode()
    if found != FORMAT:
        raise BacktestError(
            f"{path}: not written by `fraud store export` (format {found or 'unknown'}, expected {FORMAT}); export it again"
        )
    return file
