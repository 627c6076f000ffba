"""Plans: how one field is filled from a row, by reading the raw value and converting it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import cached_property

from ingest.errors import UnreadableValue
from ingest.paths import Path, follow
from ingest.readers.blank import DEFAULT_BLANKS, BlankTexts, is_blank
from ingest.readers.text import plain_text, without_point
from ingest.row_identity import row_identity
from ingest.suggestion import listed

Row = Mapping[str, object]
NO_DEFAULT = object()
ROW_NUMBER = "row number"


@dataclass(frozen=True)
class Column:
    """A source column, and the path inside its values (empty for the value itself)."""

    name: str
    path: Path = ()
    may_be_missing: bool = False

    def value_in(self, row: Row) -> object:
        """The raw value, None where the row lacks it. Raises UnreadableValue where `path` does not fit the value."""
        value = row.get(self.name)
        return follow(value, self.path) if self.path else value


@dataclass(frozen=True)
class FieldPlan:
    """One field: its source columns (none for a constant or the row number) and the conversion of its raw value.

    `absent` is the value of an optional field whose raw value is blank. `default`, where given, replaces blank values
    and codes that are not in `lookup`. With `drops`, a raw value that cannot be read leaves the field absent instead of
    rejecting the row. `combine` makes one raw value of several columns' (by default they are joined to a text).
    """

    name: str
    read: Callable[[object], object]
    columns: tuple[Column, ...] = ()
    join: str = " "
    constant: object = None
    is_row_number: bool = False
    required: bool = False
    absent: object = None
    default: object = NO_DEFAULT
    lookup: Mapping[str, object] | None = None
    blank_texts: BlankTexts = field(default=DEFAULT_BLANKS, repr=False)
    drops: bool = False
    combine: Callable[[list[object]], object] | None = None
    section: str = ""

    @property
    def path(self) -> str:
        """The field's name with its section of the mapping, as `label.is_fraud`."""
        return f"{self.section}.{self.name}" if self.section else self.name

    @property
    def source_name(self) -> str:
        """The column name used in error messages."""
        return ", ".join(column.name for column in self.columns) or (ROW_NUMBER if self.is_row_number else self.name)

    @property
    def is_constant(self) -> bool:
        return not self.columns and not self.is_row_number

    def value_of(self, row: Row, row_number: int) -> object:
        """The field's converted value in one row; `row_number` is 0 in a stream. Raises UnreadableValue."""
        if self.is_constant:
            return self.constant
        if self.is_row_number:
            return self.convert(row_identity(self._checked_row_number(row_number), row))
        if len(self.columns) == 1:
            return self.convert(self.columns[0].value_in(row))
        parts = [column.value_in(row) for column in self.columns]
        return self.convert(self.joined(parts) if self.combine is None else self.combine(parts))

    def raw_of(self, row: Row, row_number: int) -> object:
        """The raw value for error messages; never raises."""
        if self.is_row_number:
            return row_number
        try:
            raw = [column.value_in(row) for column in self.columns]
            if self.combine is not None:
                return " | ".join("" if part is None else str(part) for part in raw)
            return raw[0] if len(raw) == 1 else self.joined(raw)
        except UnreadableValue:
            return row.get(self.columns[0].name)

    def joined(self, parts: list[object]) -> str | None:
        """Several columns joined to one text; None where one of them is blank."""
        if any(is_blank(part, self.blank_texts) for part in parts):
            return None
        return self.join.join(_part(part) for part in parts)

    def convert(self, raw: object) -> object:
        """Converts a raw value to the field's value. Raises UnreadableValue."""
        if self.lookup is not None and isinstance(raw, str) and raw.strip() in self.lookup:
            found = self.lookup[raw.strip()]  # also a code such as - or NA, which would be blank
            return self._blank_value() if found is None else found
        if is_blank(raw, self.blank_texts):
            return self._blank_value()
        if self.lookup is None:
            return self.read(raw)
        try:
            found = self.lookup[without_point(plain_text(raw))]
        except KeyError:
            if self.default is not NO_DEFAULT:
                return self.default
            raise UnreadableValue(f"one of the codes of `lookup`: {listed(self.lookup)}") from None
        return self._blank_value() if found is None else found

    def _blank_value(self) -> object:
        if self.default is not NO_DEFAULT:
            return self.default
        if self.required:
            raise UnreadableValue(f"a value ({self.name} is required)")
        return self.absent

    def _checked_row_number(self, row_number: int) -> int:
        if row_number < 1:
            raise UnreadableValue("a row of a file: rows of a stream have no `row_number`")
        return row_number


def _part(value: object) -> str:
    """A part of a joined text. A day, which is stored as its midnight, is joined with a time or an hour of its own."""
    if isinstance(value, datetime) and value.time() == time(0):
        return value.date().isoformat()
    return without_point(plain_text(value))


@dataclass(frozen=True)
class LabelPlan:
    """How a transaction's label is read from its row: known at `known_at`, or, where that is not mapped or blank,
    `delay_ms` after the transaction. Without `delay_ms` a row with a blank `known_at` has no label."""

    is_fraud: FieldPlan
    delay_ms: int | None
    known_at: FieldPlan | None
    pattern: FieldPlan | None
    resolution_code: FieldPlan | None

    @cached_property
    def plans(self) -> tuple[FieldPlan, ...]:
        """The label's plans, in the order in which their values are converted."""
        optional = (self.is_fraud, self.known_at, self.pattern, self.resolution_code)
        return tuple(plan for plan in optional if plan is not None)
