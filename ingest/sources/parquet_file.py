"""Source for Parquet files, read in batches."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from ingest.errors import InputError
from ingest.sources.chunk import Chunk
from ingest.suggestion import listed


class ParquetSource:
    """Numbers rows from 1. The constructor raises InputError where the file is not Parquet."""

    def __init__(self, path: Path, chunk_rows: int) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._path = path
        self._chunk_rows = chunk_rows
        self._broken_file = (pa.ArrowException, OSError)
        try:
            self._file = pq.ParquetFile(path)
        except self._broken_file as error:
            raise InputError(f"{path} is not a Parquet file: {error}") from None

    def column_names(self) -> tuple[str, ...]:
        return tuple(self._file.schema_arrow.names)

    def chunks(self, columns: Collection[str]) -> Iterator[Chunk]:
        """Yields the rows in chunks. Raises InputError for a duplicate column and where the file is damaged."""
        from ingest.sources.arrow_values import values_of

        wanted = [name for name in self.column_names() if name in columns]
        twice = sorted({name for name in wanted if wanted.count(name) > 1})
        if twice:
            raise InputError(f"{self._path} has the column {listed(twice)} more than once")
        total = self._file.metadata.num_rows
        row_number = 1
        try:
            for batch in self._file.iter_batches(self._chunk_rows, columns=wanted):
                end = row_number + batch.num_rows
                values = {name: values_of(batch.column(name)) for name in wanted}
                yield Chunk(range(row_number, end), values, (end - 1) / max(total, 1))
                row_number = end
        except self._broken_file as error:
            raise InputError(f"{self._path} cannot be read from row {row_number} on: {error}") from None

    def close(self) -> None:
        self._file.close()
