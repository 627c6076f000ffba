"""JSON Lines: an object a line."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path

import msgspec

from ingest.errors import InputError, RowError
from ingest.sources.chunk import Chunk
from ingest.sources.text_file import READ_ERRORS, CountedFile

HEADER_LINES = 1_000
OBJECT_EXPECTED = "a JSON object on one line"
_BOM = b"\xef\xbb\xbf"


class JsonLinesSource:
    """A row's number is its line's; blank lines are no rows. Column names are those of the first lines."""

    def __init__(self, path: Path, chunk_rows: int) -> None:
        self._path = path
        self._chunk_rows = chunk_rows
        self._file = CountedFile(path)
        self._ahead = list(islice(self._lines(), HEADER_LINES))
        if self._ahead and self._ahead[0].removeprefix(_BOM).lstrip().startswith(b"["):
            raise InputError(f"{path} is one JSON array: write one object a line (jq -c '.[]' does it)")

    def column_names(self) -> tuple[str, ...]:
        names: dict[str, None] = {}
        for line in self._ahead:
            row = _parsed(line)
            names.update(dict.fromkeys(row if isinstance(row, dict) else ()))
        return tuple(names)

    def chunks(self, columns: Collection[str]) -> Iterator[Chunk]:
        """A column that a row lacks is None there. Raises InputError where the file can't be read on."""
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

    def _lines(self, ahead: list[bytes] | None = None) -> Iterator[bytes]:
        yield from ahead or ()
        try:
            for line in self._file.binary:  # noqa: UP028 (`yield from` would close the file with the generator)
                yield line
        except READ_ERRORS as error:
            raise InputError(f"{self._path} cannot be read: {error}") from None

    def close(self) -> None:
        self._file.close()


_BLANK = object()


def _parsed(line: bytes) -> object:
    """The line's value, _BLANK where it has none, None where it is not JSON."""
    line = line.removeprefix(_BOM).strip()
    if not line:
        return _BLANK
    try:
        value: object = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return value
