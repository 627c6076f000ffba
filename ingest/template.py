"""Template of a mapping file: every field of a kind with its options."""

from __future__ import annotations

from ingest.targets import CHOICES, FIELD_TYPES, MOMENT_TYPES, NUMBER_TYPES, TARGETS, TEXT_TYPES, FieldType
from udfs.records.codes import KNOWN_CODES

_HEAD = """\
# Maps the rows of a foreign table to records of kind {kind}.
# Replace COLUMN by the name of your column for each field that you have, and delete the others. Instead of a name:
#   {{column: NAME, ...}}                 one column, with options
#   {{columns: [DATE, TIME], join: " "}}  several columns as one text
#   {{value: CONSTANT}}                   the same value for every row
#   {{row_number: true}}                  the number of the row and a digest of it (files only)
# Options of every field: default (for blank cells and codes not in lookup), lookup {{their code: our value}},
# may_be_missing (true where the column is optional in the table).
# A value that cannot be read leaves an optional field absent and is listed in dropped.jsonl; in a required one, in kind
# and in currency it rejects the row.
kind: {kind}
timezone: UTC        # of times without an offset
# decimal: ","       # decimal sign of numbers in text
# thousands: "."     # thousands separator of numbers in text
# blank_values: ["0000", "TEST"] # texts that count as blank, besides NA, N/A, null, - and others
# unreadable: reject # reject a row for any value that cannot be read, as --strict; the default is drop
# csv: {{delimiter: ";", quote: '"', escape: '\\', encoding: utf-8}}
{delay}{key_path}fields:
"""
_KEY_PATH = "# key_path: $.user_id # JSON path of the user's id in a stream of the same rows\n"
_DELAY = "# delay_days: 7     # from a transaction to its label, where known_at is not mapped or blank\n"
_ATTRIBUTES = """\
# attributes:        # up to 16 texts and numbers of your own, for models: name and column with options
#   job: COLUMN
#   city_pop: {column: COLUMN, type: number}  # type: text or number; without it, by each value
"""
_LABEL = """\
# label:             # where the row holds the outcome
#   is_fraud: COLUMN
#   delay_days: 7    # or known_at: COLUMN; with both, for blank cells of known_at
#   pattern: COLUMN  # the kind of fraud; written to truth.jsonl only, never to an event
#   resolution_code: COLUMN
"""
_NESTED = """\
# nested:            # JSON or Python literals in a text column; into: a field, or extra.NAME (written to extra.jsonl)
#   - {column: COLUMN, into: extra.notes, path: "$.analyst.notes", type: text}
#     type: float, int, text, list[float] or list[text]
"""


def mapping_template(kind: str) -> str:
    """Text of a mapping file for `kind`; valid as it is, with COLUMN for each required field."""
    target = TARGETS[kind]
    width = max(map(len, target.field_names)) + len(": COLUMN")
    lines = []
    for name in target.field_names:
        mark, need = ("", "required") if name in target.required else ("# ", "optional")
        if name == "event_id":
            need = "optional: derived from the row's content by default"
        lines.append(f"  {mark}{name + ': COLUMN':{width}}  # {_hint(name)}; {need}")
    key_path = _KEY_PATH if target.is_event else ""
    attributes = _ATTRIBUTES if target.has_attributes else ""
    label = _LABEL if kind == "transaction" else ""
    delay = _DELAY if kind == "label" else ""
    return (
        _HEAD.format(kind=kind, key_path=key_path, delay=delay) + "\n".join(lines) + "\n" + attributes + label + _NESTED
    )


def _hint(name: str) -> str:
    field_type = FIELD_TYPES[name]
    options = ""
    if field_type in MOMENT_TYPES:
        options = (
            " (options: format: iso, epoch_s, epoch_ms, epoch_us, epoch_ns, %d.%m.%Y %H:%M:%S, or hours, days … with start: "
            "2024-01-01; year for a format without one; timezone)"
        )
    elif field_type is FieldType.AMOUNT:
        options = (
            " (or {debit: COLUMN, credit: COLUMN}; options: minor_units: true for those of the row's currency, or "
            "scale: 0.01; remove: ['$']; negative: refund)"
        )
    elif field_type in NUMBER_TYPES:
        options = " (options: scale, remove)"
    elif field_type is FieldType.CHOICE:
        options = f" of {', '.join(CHOICES[name])}"
    elif field_type is FieldType.FLAG:
        options = " (options: true_values: [Y]; false_values: [N])"
    elif field_type is FieldType.IDENTIFIER:
        options = " (options: prefix; encode: true for any text, as a merchant's name)"
    elif field_type is FieldType.CODE:
        options = f" (known codes: {', '.join(KNOWN_CODES[name])}; option: prefix)"
    elif field_type in TEXT_TYPES:
        options = " (option: prefix)"
    return field_type.value + options
