"""A proposal for a mapping, from a file's column names and first rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import yaml

from ingest.columns import records_of_chunk
from ingest.errors import InputError, MappingError, RowError
from ingest.mapping import parse_mapping
from ingest.readers.blank import is_blank
from ingest.schema import CsvSpec
from ingest.sources.chunk import Chunk
from ingest.sources.open import files_of, open_source
from ingest.suggestion import listed
from ingest.synonyms import attribute_columns, closeness, home_columns
from ingest.targets import FIELD_TYPES, LIST_TYPES, MOMENT_TYPES, TARGETS, FieldType, Target
from ingest.time_guess import time_formats
from udfs.codec import BadRecord, identifier

SAMPLE_ROWS = 1_000
ASSUMED_DELAY_DAYS = 7
_LABEL_FIELDS = ("is_fraud", "known_at", "pattern", "resolution_code")


def guess_mapping(path: Path, kind: str = "transaction", file_format: str | None = None) -> str:
    """The text of a mapping file, with comments on what is assumed, left over or missing. Raises InputError."""
    first = files_of(path)[0]
    with closing(open_source(first, CsvSpec(), file_format, SAMPLE_ROWS)) as source:
        columns = source.column_names()
        if not columns:
            raise InputError(f"{first} is empty: there is nothing to guess from")
        sample = next(source.chunks(columns))
    target = TARGETS[kind]
    has_label = kind == "transaction"
    wanted = target.field_names + (_LABEL_FIELDS if has_label else ())
    homes = home_columns(columns) if kind == "transaction" else []
    found = match_columns((column for column in columns if column not in homes), wanted, sample)
    lines = [f"# Guessed from the names and the first rows of {first.name}: check every line.", f"kind: {kind}"]
    lines += [*_decimal_comma(found, sample), "fields:"]
    lines += [line for name in target.field_names for line in _field_lines(name, target, found, sample)]
    attributes = attribute_columns(column for column in columns if column not in found.values())
    if target.has_attributes and attributes:
        lines += ["attributes:", *(_attribute_line(name, *told) for name, told in attributes.items())]
        found |= {f"attributes.{name}": column for name, (column, _) in attributes.items()}
    if has_label:
        lines += _label_lines(found, sample)
    lines += _nested_lines(found, sample)
    if homes:
        lines.append(f"# Of the user's home, for a mapping of kind user_profile: {listed(homes)}")
    left_over = [column for column in columns if column not in (*found.values(), *homes)]
    if left_over:
        lines.append(f"# Not used: {listed(left_over)}")
    text = "\n".join(lines) + "\n"
    return text + _trial(text, sample)


def match_columns(columns: Iterable[str], fields: Iterable[str], sample: Chunk | None = None) -> dict[str, str]:
    """Field -> column, each column for one field at most, the closest names first.

    With a sample, columns that hold nothing in it come last, and one of lists or objects is for fields of lists only.
    """
    order = {name: place for place, name in enumerate(fields)}
    values = {} if sample is None else sample.columns
    empty = {column for column, held in values.items() if len(held) and all(map(is_blank, held))}
    nested = {column for column, held in values.items() if any(isinstance(value, dict | list) for value in held)}
    pairs = [
        (column in empty, -closeness(column, name), place, name, column)
        for column in columns
        for name, place in order.items()
        if column not in nested or FIELD_TYPES.get(name) in LIST_TYPES
    ]
    found: dict[str, str] = {}
    for _, score, _, name, column in sorted(pairs):
        if score < 0 and name not in found and column not in found.values():
            found[name] = column
    return found


def _field_lines(name: str, target: Target, found: Mapping[str, str], sample: Chunk) -> list[str]:
    if name in found and _is_list_as_text(name, found[name], sample):
        return []  # it goes into the nested section
    if name in found:
        return _lines(name, found[name], sample)
    if name == "transaction_id" and name in target.required:
        return ["  transaction_id: {row_number: true, prefix: tx-}  # no column looks like one"]
    return [f"  # {name}: COLUMN  # required, and no column looks like it"] if name in target.required else []


def _attribute_line(name: str, column: str, kind: str) -> str:
    return f"  {name}: {{column: {_quoted(column)}, type: {kind}}}"


def _label_lines(found: Mapping[str, str], sample: Chunk) -> list[str]:
    if "is_fraud" not in found:
        return []
    lines = ["label:", *_lines("is_fraud", found["is_fraud"], sample)]
    if "known_at" not in found:
        lines.append(f"  delay_days: {ASSUMED_DELAY_DAYS}  # assumed: how long after its transaction a label is known")
    return lines + [line for name in _LABEL_FIELDS[1:] if name in found for line in _lines(name, found[name], sample)]


def _nested_lines(found: Mapping[str, str], sample: Chunk) -> list[str]:
    columns = {name: column for name, column in found.items() if _is_list_as_text(name, column, sample)}
    lines = [
        f'  - {{column: {_quoted(column)}, into: {name}, type: "{LIST_TYPES[FIELD_TYPES[name]]}"}}'
        for name, column in columns.items()
    ]
    return ["nested:", *lines] if lines else []


def _is_list_as_text(name: str, column: str, sample: Chunk) -> bool:
    return FIELD_TYPES.get(name) in LIST_TYPES and any(isinstance(value, str) for value in sample.columns[column])


def _lines(name: str, column: str, sample: Chunk) -> list[str]:
    if FIELD_TYPES.get(name) is FieldType.IDENTIFIER and _needs_encoding(sample.columns[column]):
        return [f"  {name}: {{column: {_quoted(column)}, encode: true}}"]
    if name not in FIELD_TYPES or FIELD_TYPES[name] not in MOMENT_TYPES:
        return [f"  {name}: {_quoted(column)}"]
    values = [value for value in sample.columns[column] if not is_blank(value)]
    formats = time_formats(values) if values else []
    if formats[:1] == ["iso"]:
        return [f"  {name}: {_quoted(column)}"]
    if not formats:
        return [f"  {name}: {{column: {_quoted(column)}, format: iso}}  # no known format fits: set one"]
    doubt = f"  # or {' or '.join(formats[1:])}" if len(formats) > 1 else ""
    return [f"  {name}: {{column: {_quoted(column)}, format: {_quoted(formats[0])}}}{doubt}"]


def _needs_encoding(values: Sequence[object]) -> bool:
    """Is one of them a text that is no id, as a merchant's name with spaces?"""
    try:
        for value in values:
            if isinstance(value, str) and not is_blank(value):
                identifier(value.strip(), "")
    except BadRecord:
        return True
    return False


def _decimal_comma(found: Mapping[str, str], sample: Chunk) -> list[str]:
    amounts: Sequence[object] = sample.columns[found["amount"]] if "amount" in found else ()
    texts = [value for value in amounts if isinstance(value, str) and "," in value]
    if not texts or any("." in text and text.rindex(".") > text.rindex(",") for text in texts):
        return []
    return ['decimal: ","'] + (['thousands: "."'] if any("." in text for text in texts) else [])


def _quoted(text: str) -> str:
    """The text as YAML, quoted where it needs to be."""
    return (
        yaml.safe_dump(text, default_flow_style=True, width=10_000, allow_unicode=True).removesuffix("\n...\n").strip()
    )


def _trial(text: str, sample: Chunk) -> str:
    try:
        mapping = parse_mapping(text)
    except MappingError as error:
        return f"# Not usable yet: {error}\n"
    errors = [made for made in records_of_chunk(sample, mapping) if isinstance(made, RowError)]
    if not errors:
        return f"# It reads all of the first {len(sample.row_numbers):,} rows.\n"
    return f"# It rejects {len(errors):,} of the first {len(sample.row_numbers):,} rows, as {errors[0]}\n".replace(
        "\r", " "
    )
