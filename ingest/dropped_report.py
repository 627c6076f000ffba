"""Report of dropped values (dropped.jsonl): optional fields and labels that could not be read; their rows are kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO, NamedTuple

import msgspec

from ingest.dropped_values import DroppedValue


class DroppedCount(NamedTuple):
    """How many values of a field were dropped, and the message of the first."""

    field: str
    values: int
    first: str


class _Entry(msgspec.Struct):
    input: str
    row: int
    field: str
    column: str | None
    value: str | None
    expected: str


class DroppedReport:
    """Writes a line a value and counts them by field."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._counts: dict[str, int] = {}
        self._first: dict[str, str] = {}
        self._encode = msgspec.json.Encoder().encode

    def add(self, values: Iterable[DroppedValue], input_name: str) -> None:
        for field, error in values:
            entry = _Entry(input_name, error.row_number, field, error.column, error.value, error.expected)
            self._file.write(self._encode(entry) + b"\n")
            self._counts[field] = self._counts.get(field, 0) + 1
            self._first.setdefault(field, f"{input_name}, {error}")

    def counts(self) -> tuple[DroppedCount, ...]:
        """The counts, the most frequent field first."""
        ordered = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return tuple(DroppedCount(field, count, self._first[field]) for field, count in ordered)
