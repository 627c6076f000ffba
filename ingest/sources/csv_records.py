"""Records of a CSV file, each on its own: a stray quote costs the row that has it, not all that follow.

A quoted cell may hold line ends. Where that makes no row of the header's width, or where the lines are rows of their own,
the quote is stray: its line is broken, and reading goes on with the next line.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from ingest.schema import CsvSpec

MAX_CELL_CHARACTERS: Final = 1_000_000
MAX_RECORD_LINES: Final = 1_000
ESCAPED_QUOTES: Final = ' (quotes after a backslash? set `csv: {escape: "\\\\"}`)'


class BrokenRecord(NamedTuple):
    """A line that is no record, and what was expected of it."""

    line: str
    expected: str


class CsvRecords:
    """Iterates over records that are not blank, as lists of cells, and BrokenRecords. Raises what reading `lines` raises."""

    def __init__(self, lines: Iterator[str], delimiter: str, spec: CsvSpec) -> None:
        csv.field_size_limit(MAX_CELL_CHARACTERS)
        self._lines = _Lines(lines)
        self._delimiter = delimiter
        self._spec = spec
        self._reader = self._new_reader(self._lines)

    def header(self) -> list[str]:
        """The first record, an empty list where there is none. Raises csv.Error."""
        self._lines.begin()
        return next(self._reader, [])

    def rows(self, width: int) -> Iterator[list[str] | BrokenRecord]:
        """The records after the header, whose width is `width`."""
        lines = self._lines
        while True:
            lines.begin()
            try:
                row = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._broken(str(error))
                continue
            if len(lines.current) > 1 and (len(row) != width or self._are_rows(width)):
                yield self._broken("a quote that is not closed")
            elif row:
                yield row

    def _broken(self, reason: str) -> BrokenRecord:
        """Gives up the first line of the current record; reading goes on with the second."""
        first, *others = self._lines.current or [""]
        self._lines.push_back(others)
        self._reader = self._new_reader(self._lines)
        number = self._lines.number
        hint = ESCAPED_QUOTES if self._spec.escape is None and f"\\{self._spec.quote}" in first else ""
        return BrokenRecord(first.rstrip("\r\n"), f"a row of CSV: {reason}, in lines {number} to {number}{hint}")

    def _are_rows(self, width: int) -> bool:
        """Whether the lines of the record are rows of their own: those between the first and the last, or, of two stray
        quotes in neighbouring rows, all of them, with cells of the same kinds."""
        inside = self._lines.current[1:-1]
        try:
            if inside and width > 1 and all(len(row) == width for row in self._new_reader(iter(inside))):
                return True
        except csv.Error:
            return False
        rows = [self._alone(line, width) for line in self._lines.current]
        kinds = [[_kind(cell, self._spec.quote) for cell in row] for row in rows if row is not None]
        if width < 2 or len(kinds) < len(rows):
            return False
        return 2 * sum(one == other for one, other in zip(kinds[0], kinds[-1], strict=True)) > width

    def _alone(self, line: str, width: int) -> list[str] | None:
        """The cells of a line by itself, where a quote may be like any other character; None where it is no row."""
        spec = self._spec
        for quoting in (csv.QUOTE_NONE, csv.QUOTE_MINIMAL):
            reader = csv.reader([line], delimiter=self._delimiter, quotechar=spec.quote, escapechar=spec.escape,
                                quoting=quoting)  # fmt: skip
            try:
                row = next(reader, [])
            except csv.Error:
                continue
            if len(row) == width:
                return row
        return None

    def _new_reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        spec = self._spec
        return csv.reader(lines, delimiter=self._delimiter, quotechar=spec.quote, escapechar=spec.escape, strict=True)


def _kind(cell: str, quote: str) -> str:
    """Blank, number (also dates), code, or text."""
    text = cell.strip().strip(quote)
    has_letters, has_digits = any(map(str.isalpha, text)), any(map(str.isdigit, text))
    if not has_letters and not has_digits:
        return "blank"
    if not has_letters:
        return "number"
    return "code" if has_digits and " " not in text else "text"


class _Lines:
    """Lines with those of the current record, which can be pushed back. `number` is that of the last line taken."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._waiting: deque[str] = deque()
        self.current: list[str] = []
        self.number = 0

    def begin(self) -> None:
        self.current = []

    def push_back(self, lines: list[str]) -> None:
        self._waiting.extendleft(reversed(lines))
        self.number -= len(lines)

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.current) >= MAX_RECORD_LINES:
            raise csv.Error(f"a quote that is not closed within {MAX_RECORD_LINES:,} lines")
        line = self._waiting.popleft() if self._waiting else next(self._lines)
        self.current.append(line)
        self.number += 1
        return line
