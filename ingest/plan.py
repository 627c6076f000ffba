"""How one field is made from a row: fetch the raw value, then convert it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ingest.errors import UnreadableValue
from ingest.paths import Path, follow
from ingest.readers.blank import DEFAULT_BLANK_TEXTS, is_blank
from ingest.readers.text import plain_text
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

    def of(self, row: Row) -> object:
        value = row.get(self.name)
        return follow(value, self.path) if self.path else value


@dataclass(frozen=True)
class FieldPlan:
    """One field: its source columns (none for a constant or the row number), and how a raw value becomes ours.

    `absent` is the value where the source has nothing and the field is not required. `default`, where given, takes the
    place of blank values and of codes that `lookup` does not name.
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
    blank_texts: frozenset[str] = field(default=DEFAULT_BLANK_TEXTS, repr=False)

    @property
    def source_name(self) -> str:
        """How an error calls the place of the value."""
        return ", ".join(column.name for column in self.columns) or (ROW_NUMBER if self.is_row_number else self.name)

    @property
    def is_constant(self) -> bool:
        return not self.columns and not self.is_row_number

    def value_of(self, row: Row, row_number: int) -> object:
        """The field's value in one row. Raises UnreadableValue."""
        if self.is_constant:
            return self.constant
        if self.is_row_number:
            return self.convert(self._numbered(row_number))
        if len(self.columns) == 1:
            return self.convert(self.columns[0].of(row))
        return self.convert(self.joined([column.of(row) for column in self.columns]))

    def raw_of(self, row: Row, row_number: int) -> object:
        """What the source holds there, for an error's report; never raises."""
        if self.is_row_number:
            return row_number
        try:
            raw = [column.of(row) for column in self.columns]
            return raw[0] if len(raw) == 1 else self.joined(raw)
        except UnreadableValue:
            return row.get(self.columns[0].name)

    def joined(self, parts: list[object]) -> str | None:
        """Several columns as one text; None where one of them is blank."""
        if any(is_blank(part, self.blank_texts) for part in parts):
            return None
        return self.join.join(plain_text(part) for part in parts)

    def convert(self, raw: object) -> object:
        """Our value for a raw one. Raises UnreadableValue with what was expected."""
        if is_blank(raw, self.blank_texts):
            return self._nothing()
        if self.lookup is None:
            return self.read(raw)
        try:
            found = self.lookup[plain_text(raw)]
        except KeyError:
            if self.default is not NO_DEFAULT:
                return self.default
            raise UnreadableValue(f"one of the codes of `lookup`: {listed(self.lookup)}") from None
        return self._nothing() if found is None else found

    def _nothing(self) -> object:
        if self.default is not NO_DEFAULT:
            return self.default
        if self.required:
            raise UnreadableValue(f"a value ({self.name} is required)")
        return self.absent

    def _numbered(self, row_number: int) -> int:
        if row_number < 1:
            raise UnreadableValue("known in a stream: `row_number` works for files only")
        return row_number


@dataclass(frozen=True)
class LabelPlan:
    """How a transaction's row tells its outcome: known `delay_ms` after the transaction, or at a column's time."""

    is_fraud: FieldPlan
    delay_ms: int
    known_at: FieldPlan | None
    pattern: FieldPlan | None
    resolution_code: FieldPlan | None

    @cached_property
    def plans(self) -> tuple[FieldPlan, ...]:
        every = (self.is_fraud, self.known_at, self.pattern, self.resolution_code)
        return tuple(plan for plan in every if plan is not None)
