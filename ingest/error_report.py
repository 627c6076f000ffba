"""Report of rejected rows (errors.jsonl)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

import msgspec

from ingest.errors import RowError, TooManyBadRows

SHOWN_ERRORS = 5


class _Entry(msgspec.Struct):
    input: str
    row: int
    column: str | None
    value: str | None
    expected: str


class ErrorReport:
    """Writes one line per rejected row, counts them and keeps the first SHOWN_ERRORS as messages.

    `name_inputs` prefixes the messages with the input's name.
    """

    def __init__(self, file: BinaryIO, max_errors: int | None, name_inputs: bool) -> None:
        self.count = 0
        self.first: list[str] = []
        self._file = file
        self._max_errors = max_errors
        self._name_inputs = name_inputs
        self._encode = msgspec.json.Encoder().encode

    def add(self, errors: Iterable[RowError], input_name: str) -> None:
        """Adds the errors of a chunk, sorted by row. Raises TooManyBadRows once more than `max_errors` were added."""
        for error in sorted(errors, key=lambda error: error.row_number):
            entry = _Entry(input_name, error.row_number, error.column, error.value, error.expected)
            self._file.write(self._encode(entry) + b"\n")
            self.count += 1
            if self.count <= SHOWN_ERRORS:
                self.first.append(f"{input_name}, {error}" if self._name_inputs else str(error))
            if self._max_errors is not None and self.count > self._max_errors:
                raise TooManyBadRows(f"stopped: more than {self._max_errors:,} rows were rejected; {error}")
