"""Proposes a mapping from a file's column names and first rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ingest.amount_guess import AmountStyle, amount_style
from ingest.attribute_synonyms import attribute_columns
from ingest.column_match import is_of_one_kind, match_columns, other_columns
from ingest.guess_lines import FieldLines, quoted
from ingest.guess_trial import trial_result
from ingest.sample import likely_kind, read_sample
from ingest.sources.chunk import Chunk
from ingest.sources.open import files_of
from ingest.suggestion import listed
from ingest.synonyms import closeness, home_columns
from ingest.targets import FIELD_TYPES, LIST_TYPES, TARGETS, Target

ASSUMED_DELAY_DAYS = 7
_LABEL_FIELDS = ("is_fraud", "known_at", "pattern", "resolution_code")
_NO_USER_HINT = "; without one, {row_number: true, prefix: user-} makes each payment a user of its own, without history"


def guess_mapping(path: Path, kind: str | None = None, file_format: str | None = None) -> str:
    """Text of a mapping file, with comments on assumptions, unused columns and missing fields. Raises InputError.

    Without a `kind` it is that of transactions, or, where the columns are of no payments, of a block list.
    """
    first = files_of(path)[0]
    table = read_sample(first, file_format)
    columns, sample = table.columns, table.chunk
    kind = kind or likely_kind(columns)
    target = TARGETS[kind]
    has_label = kind == "transaction"
    wanted = target.field_names + (_LABEL_FIELDS if has_label else ())
    homes = home_columns(columns) if has_label else []
    found = match_columns([column for column in columns if column not in homes], wanted, sample, target.required)
    lines = [f"# Guessed from the names and the first rows of {first.name}: check every line.", f"kind: {kind}"]
    if table.quote is not None:
        lines.append(f'csv: {{quote: "{table.quote}"}}')
    style = AmountStyle()
    if "amount" in found:
        style = amount_style(found["amount"], sample.columns, table.delimiter, found.get("currency"))
    lines += [f'{key}: "{value}"' for key, value in style.separators.items()]
    fields = FieldLines(found, sample, columns, style)
    lines += ["fields:", *(line for name in target.field_names for line in _field_lines(name, target, fields))]
    used = fields.used_columns
    attributes = attribute_columns(column for column in columns if column not in used and column not in found.values())
    if target.has_attributes and attributes:
        lines += ["attributes:", *(_attribute_line(name, *source) for name, source in attributes.items())]
        used |= {column for column, _ in attributes.values()}
    if has_label:
        lines += _label_lines(fields)
    lines += _nested_lines(found, sample)
    taken = {*found.values(), *used, *homes}
    if homes:
        lines.append(f"# Of the user's home, for a mapping of kind user_profile: {listed(homes)}")
    lines += [f"# Unsure of amount: {style.doubt}"] if style.doubt else []
    lines += _doubts(target, fields, [column for column in columns if column not in {*used, *homes}])
    unused = [column for column in columns if column not in taken]
    if unused:
        lines.append(f"# Not used: {listed(unused)}")
    text = "\n".join(lines) + "\n"
    return text + trial_result(text, sample, fields.unread_parts)


def _field_lines(name: str, target: Target, fields: FieldLines) -> list[str]:
    if name in fields.found:
        # a list written as text is mapped in the nested section
        return [] if _is_list_as_text(name, fields.found[name], fields.sample) else fields.lines(name)
    if name == "currency" and fields.style.currency is not None and name in target.field_names:
        return [f"  currency: {{value: {quoted(fields.style.currency)}}}  # by the amount's column"]
    if name not in target.required:
        return []
    if name == "transaction_id":
        return ["  transaction_id: {row_number: true, prefix: tx-}  # no matching column found"]
    hint = _NO_USER_HINT if name == "user_id" and target.kind == "transaction" else ""
    return [f"  # {name}: COLUMN  # required, no matching column found{hint}"]


def _attribute_line(name: str, column: str, kind: str) -> str:
    return f"  {name}: {{column: {quoted(column)}, type: {kind}}}"


def _label_lines(fields: FieldLines) -> list[str]:
    found = fields.found
    if "is_fraud" not in found:
        return []
    lines = ["label:", *fields.lines("is_fraud")]
    if "known_at" not in found:
        lines.append(
            f"  delay_days: {ASSUMED_DELAY_DAYS}  # assumed: days from the transaction until its label is known"
        )
    return lines + [line for name in _LABEL_FIELDS[1:] if name in found for line in fields.lines(name)]


def _doubts(target: Target, fields: FieldLines, columns: Sequence[str]) -> list[str]:
    """Other columns that a required field could mean, and a column of kinds that has only one."""
    lines = []
    for column in columns if "kind" not in fields.found and target.kind == "transaction" else ():
        if closeness(column, "kind") and is_of_one_kind("kind", column, fields.sample.columns[column]):
            lines.append(
                f"# Unsure of kind: {column} has one kind only in the first rows; map it where it has refunds, too"
            )
    for name in target.field_names:
        if name in target.required and name in fields.found:
            others = other_columns(name, fields.found, columns, fields.sample)
            lines += [f"# Unsure of {name}: it could also be {listed(others)}"] if others else []
    return lines


def _nested_lines(found: Mapping[str, str], sample: Chunk) -> list[str]:
    columns = {name: column for name, column in found.items() if _is_list_as_text(name, column, sample)}
    lines = [
        f'  - {{column: {quoted(column)}, into: {name}, type: "{LIST_TYPES[FIELD_TYPES[name]]}"}}'
        for name, column in columns.items()
    ]
    return ["nested:", *lines] if lines else []


def _is_list_as_text(name: str, column: str, sample: Chunk) -> bool:
    return FIELD_TYPES.get(name) in LIST_TYPES and any(isinstance(value, str) for value in sample.columns[column])
