"""The schema of a mapping file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Scalar = str | int | float | bool
Kind = Literal[
    "transaction", "login", "account_change", "label", "user_profile", "merchant", "device", "ip_feed", "domain_feed",
    "block_list", "features", "alert_case", "model_log",
]  # fmt: skip
NestedType = Literal["float", "int", "text", "list[float]", "list[text]"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FieldSpec(Section):
    """The source of one field (exactly one of column, columns, debit and credit, value, row_number) and its options."""

    column: str | None = None
    columns: list[str] | None = Field(default=None, min_length=1)
    join: str = " "
    debit: str | None = None
    credit: str | None = None
    value: Scalar | None = None
    row_number: bool = False
    may_be_missing: bool = False
    default: Scalar | None = None
    lookup: dict[str, Scalar | None] | None = None
    prefix: str = ""
    encode: bool = False
    type: Literal["text", "number"] | None = None
    format: str | None = None
    start: str | None = None
    year: int | None = Field(default=None, ge=1973, le=9999)
    timezone: str | None = None
    scale: float | int | str | None = None
    minor_units: bool = False
    remove: list[str] = []
    negative: Literal["refund"] | None = None
    true_values: list[Scalar] | None = None
    false_values: list[Scalar] | None = None


def _shorthand(value: object) -> object:
    """Expands `amount: TX_AMOUNT` to `amount: {column: TX_AMOUNT}`; numeric column names become text."""
    if isinstance(value, dict) and isinstance(value.get("column"), int):
        return {**value, "column": str(value["column"])}
    return {"column": str(value)} if isinstance(value, str | int) and not isinstance(value, bool) else value


Source = Annotated[FieldSpec, BeforeValidator(_shorthand)]


class LabelSpec(Section):
    """A transaction's outcome in the same row; `pattern` is written to truth.jsonl only."""

    is_fraud: Source
    delay_days: float | None = Field(default=None, ge=0, le=36_500)
    known_at: Source | None = None
    pattern: Source | None = None
    resolution_code: Source | None = None


class NestedSpec(Section):
    """One typed value of the JSON or Python literal in a text column."""

    column: str
    into: str
    path: str | list[str | int] = "$"
    type: NestedType


class CsvSpec(Section):
    """The dialect of a CSV file; an omitted delimiter is detected from the header. With `escape`, as a backslash, it makes
    the quote after it part of the cell."""

    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    quote: str = Field(default='"', min_length=1, max_length=1)
    escape: str | None = Field(default=None, min_length=1, max_length=1)
    encoding: str = "utf-8"


class MappingFile(Section):
    kind: Kind | None = None
    fields: dict[str, Source] = {}
    attributes: dict[str, Source] = {}
    label: LabelSpec | None = None
    delay_days: float | None = Field(default=None, ge=0, le=36_500)
    nested: list[NestedSpec] = []
    key_path: str = "$.user_id"
    timezone: str = "UTC"
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'", "_"] = ""
    blank_values: list[str] | None = None
    unreadable: Literal["drop", "reject"] = "drop"
    csv: CsvSpec = CsvSpec()
