"""What can be wrong with a conversion, one exception an outcome."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

MAX_SHOWN_LENGTH = 200


class MappingError(ValueError):
    """The mapping file is unusable; the message names the key and what is allowed there."""


class InputError(ValueError):
    """The input is unusable as a whole: not there, not of its format, or without a column that the mapping names."""


class TooManyBadRows(ValueError):
    """More rows were rejected than the caller allows."""


class UnreadableValue(ValueError):
    """One value is not what its field needs; `expected` says what would be."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


class RowError(ValueError):
    """A row was rejected: where it is, what it holds there, and what was expected instead.

    `row_number` is 0 where rows have none (a stream). `column` is None where the row as a whole is broken.
    """

    def __init__(self, row_number: int, column: str | None, value: object, expected: str) -> None:
        self.row_number = row_number
        self.column = column
        self.value = shown(value)
        self.expected = expected
        place = f"row {row_number}" if column is None else f"row {row_number}, column {column}"
        nothing_there = "" if column is None else "blank, "
        found = nothing_there if self.value is None else f"{self.value!r}, "
        super().__init__(f"{place}: {found}expected {expected}")


def shown(value: object) -> str | None:
    """The value as a short text that any JSON encoder takes; None stays None."""
    if value is None:
        return None
    text = value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value
    text = text if isinstance(text, str) else repr(text)
    if len(text) > MAX_SHOWN_LENGTH:
        text = f"{text[:MAX_SHOWN_LENGTH]}… ({len(text):,} characters)"
    return text.encode("utf-8", "backslashreplace").decode()
