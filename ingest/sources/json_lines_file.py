"""Source for JSON files: one object per line, or one document with all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from io import TextIOWrapper
from itertools import islice
from pathlib import Path

import msgspec

from ingest.errors import InputError, RowError
from ingest.sources.chunk import Chunk
from ingest.sources.json_document import elements_of
from ingest.sources.text_file import READ_ERRORS, CountedFile
from udfs.records.salvage import BYTE_ORDER_MARK, without_nan

HEADER_LINES = 1_000
OBJECT_EXPECTED = "a JSON object on one line"


class JsonLinesSource:
    """Numbers rows by line; blank lines are skipped. The column names are those of the first HEADER_LINES lines.

    The constructor reads these lines; raises InputError where the file cannot be read. A file that is one array, or one
    object around an array of rows, or whose objects are spread over several lines, is read as a whole into memory, and its
    rows are numbered from 1.
    """

    def __init__(self, path: Path, chunk_rows: int) -> None:
        self._path = path
        self._chunk_rows = chunk_rows
        self._open()
        self._ahead = list(islice(self._lines(), HEADER_LINES))
        if self._is_document():
            content = b"".join(self._lines(self._ahead)).removeprefix(BYTE_ORDER_MARK)
            elements = elements_of(without_nan(content))
            self._ahead = elements if elements is not None else self._again()

    def column_names(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for line in self._ahead:
            row = _parsed(line)
            names.update(dict.fromkeys(row if isinstance(row, dict) else ()))
        return tuple(names)

    def chunks(self, columns: Collection[str]) -> Iterator[Chunk]:
        """Yields the rows in chunks, None for keys that a row lacks. Raises InputError where the file cannot be read."""
        row_number = 0
        lines = self._lines(self._ahead)
        while batch := list(islice(lines, self._chunk_rows)):
            rows: list[dict[str, object]] = []
            numbers: list[int] = []
            broken: list[RowError] = []
            for line in batch:
                row_number += 1
                row = _parsed(line)
                if isinstance(row, dict):
                    rows.append(row)
                    numbers.append(row_number)
                elif row is not _BLANK:
                    broken.append(RowError(row_number, None, line.decode("utf-8", "replace"), OBJECT_EXPECTED))
            values = {name: [row.get(name) for row in rows] for name in columns}
            present = frozenset(name for name in columns if any(name in row for row in rows))
            yield Chunk(numbers, values, self._file.fraction_done, tuple(broken), present)

    def _open(self) -> None:
        self._file = CountedFile(self._path)
        self._text: TextIOWrapper | None = (
            self._file.text(encoding) if (encoding := self._file.json_encoding()) else None
        )

    def _is_document(self) -> bool:
        """Whether the first line that is not blank is no object, but may begin an array or an object of several lines, or is
        the only line, which may be an object around the rows."""
        lines = [line for line in self._ahead if _parsed(line) is not _BLANK]
        first = lines[0] if lines else b""
        begins = first.removeprefix(BYTE_ORDER_MARK).lstrip()[:1]
        return begins == b"[" or (begins == b"{" and (len(lines) == 1 or not isinstance(_parsed(first), dict)))

    def _again(self) -> list[bytes]:
        """Opens the file again, after it turned out to be lines; the first of them."""
        self._file.close()
        self._open()
        return list(islice(self._lines(), HEADER_LINES))

    def _lines(self, ahead: list[bytes] | None = None) -> Iterator[bytes]:
        yield from ahead or ()
        try:
            for line in (
                self._text or self._file.binary
            ):  # not `yield from`, which would close the file with the generator
                yield line.encode() if isinstance(line, str) else line
        except READ_ERRORS as error:
            raise InputError(f"{self._path} cannot be read: {error}") from None

    def close(self) -> None:
        self._file.close()


_BLANK = object()


def _parsed(line: bytes) -> object:
    """The line's JSON value, _BLANK for a blank line, None for invalid JSON."""
    line = line.removeprefix(BYTE_ORDER_MARK).strip()
    if not line:
        return _BLANK
    try:
        value: object = msgspec.json.decode(without_nan(line))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value
