"""Source for CSV files with a header."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from ingest.errors import InputError, RowError
from ingest.schema import CsvSpec
from ingest.sources.chunk import Chunk
from ingest.sources.csv_records import BrokenRecord, CsvRecords
from ingest.sources.text_file import READ_ERRORS, CountedFile

DELIMITERS = (",", ";", "\t", "|")


class CsvSource:
    """Reads every cell as text. Rows are numbered from 1 after the header; blank lines are skipped and not numbered.

    A column whose name stands in the header again is `name.1`. A line `sep=;` before the header sets the delimiter.

    The constructor reads the header; raises InputError for an unknown encoding, an invalid header or an empty file.
    """

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
        if first_line[:4].lower() == "sep=":  # of spreadsheets
            spec = spec.model_copy(update={"delimiter": first_line[4:5]}) if spec.delimiter is None else spec
            first_line = self._text.readline()
        self._delimiter = spec.delimiter or _delimiter_of(first_line, spec.quote)
        self._records = CsvRecords(chain([first_line], self._text), self._delimiter, spec)
        try:
            self._header = _distinct(name.strip() for name in self._records.header())
        except csv.Error as error:
            raise InputError(f"{path}: its header is not CSV: {error}") from None
        if any("\0" in name for name in self._header):
            bits = 32 if any("\0\0" in name for name in self._header) else 16
            raise InputError(
                f"{path} looks like UTF-{bits}: set `csv: {{encoding: utf-{bits}-le}}` in the mapping, or utf-{bits}-be"
            )
        if any(name.encode("utf-8", "replace").decode() != name for name in self._header):
            raise InputError(f"{path}: its header is not {spec.encoding}: set csv.encoding in the mapping, as latin-1")
        if not any(self._header):
            raise InputError(f"{path} is empty: a CSV file begins with a header of column names")

    @property
    def delimiter(self) -> str:
        return self._delimiter

    def column_names(self) -> tuple[str, ...]:
        return self._header

    def chunks(self, columns: Collection[str]) -> Iterator[Chunk]:
        """Yields the rows in chunks. Raises InputError where the file cannot be read."""
        indexes = {name: index for index, name in enumerate(self._header) if name in columns}
        row_number = 0
        parsed = self._parsed()
        while batch := list(islice(parsed, self._chunk_rows)):
            rows: list[list[str]] = []
            numbers: list[int] = []
            broken: list[RowError] = []
            for row in batch:
                row_number += 1
                if isinstance(row, BrokenRecord):
                    broken.append(RowError(row_number, None, row.line, row.expected))
                elif len(row) == len(self._header):
                    rows.append(row)
                    numbers.append(row_number)
                else:
                    broken.append(RowError(row_number, None, self._delimiter.join(row), self._expected_width(len(row))))
            values = {name: [row[index] for row in rows] for name, index in indexes.items()}
            yield Chunk(numbers, values, self._file.fraction_done, tuple(broken))

    def _parsed(self) -> Iterator[list[str] | BrokenRecord]:
        """The rows that are not blank, and lines that are not valid CSV."""
        try:
            yield from self._records.rows(len(self._header))
        except READ_ERRORS as error:
            raise self._unreadable(error) from None

    def _expected_width(self, width: int) -> str:
        return f"a row of {len(self._header)} cells, as the header has (it has {width})"

    def _unreadable(self, error: Exception) -> InputError:
        hint = " (another encoding? set csv.encoding in the mapping)" if isinstance(error, UnicodeError) else ""
        return InputError(f"{self._path} cannot be read: {error}{hint}")

    def close(self) -> None:
        self._file.close()


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """The names of a header; one that stands in it again gets a number, as `Account.1`, as other tools name it."""
    counts: dict[str, int] = {}
    distinct = []
    for name in names:
        count = counts[name] = counts.get(name, -1) + 1
        distinct.append(f"{name}.{count}" if count and name else name)
    return tuple(distinct)


def _delimiter_of(header: str, quote: str) -> str:
    """The delimiter that occurs most often in the header outside quotes; the comma where none occurs."""
    outside = "".join(header.split(quote)[::2])
    return max(DELIMITERS, key=outside.count)
