"""What a mapping file may say, key by key."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Scalar = str | int | float | bool
Kind = Literal[
    "transaction", "login", "account_change", "label", "user_profile", "merchant", "device", "ip_feed", "domain_feed",
    "block_list",
]  # fmt: skip
NestedType = Literal["float", "int", "text", "list[float]", "list[text]"]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class FieldSpec(Section):
    """Where one field comes from (exactly one of column, columns, value, row_number) and how it is read."""

    column: str | None = None
    columns: list[str] | None = Field(default=None, min_length=1)
    join: str = " "
    value: Scalar | None = None
    row_number: bool = False
    may_be_missing: bool = False
    default: Scalar | None = None
    lookup: dict[str, Scalar | None] | None = None
    prefix: str = ""
    encode: bool = False
    type: Literal["text", "number"] | None = None
    format: str | None = None
    timezone: str | None = None
    scale: float | int | str | None = None
    remove: list[str] = []
    negative: Literal["refund"] | None = None
    true_values: list[Scalar] | None = None
    false_values: list[Scalar] | None = None


def _shorthand(value: object) -> object:
    """`amount: TX_AMOUNT` is `amount: {column: TX_AMOUNT}`; a column may be named by a number."""
    if isinstance(value, dict) and isinstance(value.get("column"), int):
        return {**value, "column": str(value["column"])}
    return {"column": str(value)} if isinstance(value, str | int) and not isinstance(value, bool) else value


Source = Annotated[FieldSpec, BeforeValidator(_shorthand)]


class LabelSpec(Section):
    """The outcome of a transaction that stands in the same row; `pattern` goes into the truth file only."""

    is_fraud: Source
    delay_days: float | None = Field(default=None, ge=0, le=36_500)
    known_at: Source | None = None
    pattern: Source | None = None
    resolution_code: Source | None = None


class NestedSpec(Section):
    """One typed value out of JSON (or a Python literal) inside a text column."""

    column: str
    into: str
    path: str | list[str | int] = "$"
    type: NestedType


class CsvSpec(Section):
    """How a CSV file is written; a delimiter that is not given is found in the header."""

    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    quote: str = Field(default='"', min_length=1, max_length=1)
    encoding: str = "utf-8"


class MappingFile(Section):
    kind: Kind | None = None
    fields: dict[str, Source] = {}
    attributes: dict[str, Source] = {}
    label: LabelSpec | None = None
    nested: list[NestedSpec] = []
    key_path: str = "$.user_id"
    timezone: str = "UTC"
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ".", ",", " ", "'", "_"] = ""
    blank_values: list[str] | None = None
    csv: CsvSpec = CsvSpec()
