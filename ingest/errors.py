"""Exceptions of a conversion, one for each outcome."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

MAX_SHOWN_LENGTH = 200


class MappingError(ValueError):
    """The mapping file is invalid; the message names the key and the allowed values."""


class InputError(ValueError):
    """The input as a whole cannot be converted: missing, not in the expected format, or lacking a mapped column."""


class TooManyBadRows(ValueError):
    """More rows were rejected than `max_errors` allows."""


class UnreadableValue(ValueError):
    """A value does not fit its field; `expected` describes the accepted values."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


class RowError(ValueError):
    """A row was rejected: row number, column, the value found and the expected one.

    `row_number` is 0 for rows of a stream. `column` is None where the row as a whole could not be parsed. `reason` is the
    message without the row's number.
    """

    def __init__(self, row_number: int, column: str | None, value: object, expected: str) -> None:
        self.row_number = row_number
        self.column = column
        self.value = display_text(value)
        self.expected = expected
        blank = "" if column is None else "blank, "
        found = blank if self.value is None else f"{self.value!r}, "
        problem = f"{found}expected {expected}"
        self.reason = problem if column is None else f"column {column}: {problem}"
        separator = ": " if column is None else ", "
        super().__init__(f"row {row_number}{separator}{self.reason}")


def display_text(value: object) -> str | None:
    """The value as valid UTF-8 text of at most MAX_SHOWN_LENGTH characters plus its length; None stays None."""
    if value is None:
        return None
    text = value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Decimal) else value
    text = text if isinstance(text, str) else repr(text)
    if len(text) > MAX_SHOWN_LENGTH:
        text = f"{text[:MAX_SHOWN_LENGTH]}… ({len(text):,} characters)"
    return text.encode("utf-8", "backslashreplace").decode()
