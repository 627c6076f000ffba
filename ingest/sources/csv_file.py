"""CSV files with a header."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator
from itertools import chain, islice
from pathlib import Path

from ingest.errors import InputError, RowError
from ingest.schema import CsvSpec
from ingest.sources.chunk import Chunk
from ingest.sources.text_file import READ_ERRORS, CountedFile
from ingest.suggestion import listed

DELIMITERS = (",", ";", "\t", "|")
MAX_CELL_CHARACTERS = 1_000_000


class CsvSource:
    """Every cell is text. The first row after the header has the number 1; blank lines are no rows."""

    def __init__(self, path: Path, spec: CsvSpec, chunk_rows: int) -> None:
        self._path = path
        self._chunk_rows = chunk_rows
        self._file = CountedFile(path)
        try:
            self._text = self._file.text(spec.encoding)
            first_line = self._text.readline()
        except LookupError:
            raise InputError(f"csv.encoding: {spec.encoding!r} is not a known encoding") from None
        except READ_ERRORS as error:
            raise self._unreadable(error) from None
        csv.field_size_limit(MAX_CELL_CHARACTERS)
        self._delimiter = spec.delimiter or _delimiter_of(first_line, spec.quote)
        self._rows = csv.reader(
            chain([first_line], self._text),
            delimiter=self._delimiter,
            quotechar=spec.quote,
            strict=True,
        )
        try:
            self._header = tuple(name.strip() for name in next(self._rows, []))
        except csv.Error as error:
            raise InputError(f"{path}: its header is not CSV: {error}") from None
        if any(name.encode("utf-8", "replace").decode() != name for name in self._header):
            raise InputError(f"{path}: its header is not {spec.encoding}: set csv.encoding in the mapping, as latin-1")
        if not any(self._header):
            raise InputError(f"{path} is empty: a CSV file begins with a header of column names")

    def column_names(self) -> tuple[str, ...]:
        return self._header

    def chunks(self, columns: Collection[str]) -> Iterator[Chunk]:
        """Raises InputError where the file as a whole can't be read on."""
        twice = sorted({name for name in columns if self._header.count(name) > 1})
        if twice:
            raise InputError(f"{self._path}: the header has the column {listed(twice)} more than once")
        places = {name: place for place, name in enumerate(self._header) if name in columns}
        row_number = 0
        parsed = self._parsed()
        while batch := list(islice(parsed, self._chunk_rows)):
            rows: list[list[str]] = []
            numbers: list[int] = []
            broken: list[RowError] = []
            for row in batch:
                row_number += 1
                if isinstance(row, str):
                    broken.append(RowError(row_number, None, None, row))
                elif len(row) == len(self._header):
                    rows.append(row)
                    numbers.append(row_number)
                else:
                    broken.append(RowError(row_number, None, self._delimiter.join(row), self._expected_width(len(row))))
            values = {name: [row[place] for row in rows] for name, place in places.items()}
            yield Chunk(numbers, values, self._file.fraction_done, tuple(broken))

    def _parsed(self) -> Iterator[list[str] | str]:
        """Rows that are not blank; for one that is not CSV, what was expected."""
        while True:
            lines_before = self._rows.line_num
            try:
                row = next(self._rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield f"a row of CSV: {error}, in lines {lines_before + 1} to {self._rows.line_num}"
                continue
            except READ_ERRORS as error:
                raise self._unreadable(error) from None
            if row:
                yield row

    def _expected_width(self, width: int) -> str:
        return f"a row of {len(self._header)} cells, as the header has (it has {width})"

    def _unreadable(self, error: Exception) -> InputError:
        hint = " (another encoding? set csv.encoding in the mapping)" if isinstance(error, UnicodeError) else ""
        return InputError(f"{self._path} cannot be read: {error}{hint}")

    def close(self) -> None:
        self._file.close()


def _delimiter_of(header: str, quote: str) -> str:
    """The separator that the header has most of outside quotes; the comma where it has none."""
    outside = "".join(header.split(quote)[::2])
    return max(DELIMITERS, key=outside.count)
