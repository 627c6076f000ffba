"""A mapping file to fill in: every field of a kind, with what may be said about it."""

from __future__ import annotations

from ingest.targets import CHOICES, FIELD_TYPES, MOMENT_TYPES, NUMBER_TYPES, TARGETS, TEXT_TYPES, FieldType
from udfs.codes import KNOWN_CODES

_HEAD = """\
# How the rows of a foreign table become records of kind {kind}.
# Write the name of your column behind each field that you have, and delete the others. Instead of a name may stand
#   {{column: NAME, ...}}                 one column, with options
#   {{columns: [DATE, TIME], join: " "}}  several columns as one text
#   {{value: CONSTANT}}                   the same for every row
#   {{row_number: true}}                  the number of the row (files only)
# Options of every field: default (for blank cells, and for codes that lookup doesn't name), lookup {{theirs: ours}},
# may_be_missing (true where the table may lack the column).
kind: {kind}
timezone: UTC        # of times that have no offset of their own
# decimal: ","       # the decimal sign of numbers that are text
# thousands: "."     # the sign between their groups of three digits
# blank_values: ["", "NULL", "-"]
# csv: {{delimiter: ";", quote: '"', encoding: utf-8}}
{key_path}fields:
"""
_KEY_PATH = "# key_path: $.user_id # where a stream of such JSON has the user's id\n"
_ATTRIBUTES = """\
# attributes:        # up to 16 texts and numbers of your own, for models: a name, and your column with its options
#   job: COLUMN
#   city_pop: {column: COLUMN, type: number}  # type: text or number; without it each value tells
"""
_LABEL = """\
# label:             # where the row tells its outcome
#   is_fraud: COLUMN
#   delay_days: 7    # or known_at: COLUMN
#   pattern: COLUMN  # the kind of fraud; goes into truth.jsonl only, never into an event
#   resolution_code: COLUMN
"""
_NESTED = """\
# nested:            # JSON or Python literals in a text column; into: a field, or extra.NAME for extra.jsonl
#   - {column: COLUMN, into: extra.notes, path: "$.analyst.notes", type: text}
#     type: float, int, text, list[float] or list[text]
"""


def mapping_template(kind: str) -> str:
    """The text of a mapping file for `kind`; it loads as it is, with COLUMN for each field that is required."""
    target = TARGETS[kind]
    width = max(map(len, target.field_names)) + len(": COLUMN")
    lines = []
    for name in target.field_names:
        mark, need = ("", "required") if name in target.required else ("# ", "optional")
        if name == "event_id":
            need = "optional: made of the row's content where there is none"
        lines.append(f"  {mark}{name + ': COLUMN':{width}}  # {_hint(name)}; {need}")
    key_path = _KEY_PATH if target.is_event else ""
    attributes = _ATTRIBUTES if target.has_attributes else ""
    label = _LABEL if kind == "transaction" else ""
    return _HEAD.format(kind=kind, key_path=key_path) + "\n".join(lines) + "\n" + attributes + label + _NESTED


def _hint(name: str) -> str:
    field_type = FIELD_TYPES[name]
    options = ""
    if field_type in MOMENT_TYPES:
        options = " (options: format: iso, epoch_s, epoch_ms, epoch_us or %d.%m.%Y %H:%M:%S; timezone)"
    elif field_type is FieldType.AMOUNT:
        options = " (options: scale: 0.01 for minor units; remove: ['$']; negative: refund)"
    elif field_type in NUMBER_TYPES:
        options = " (options: scale, remove)"
    elif field_type is FieldType.CHOICE:
        options = f" of {', '.join(CHOICES[name])}"
    elif field_type is FieldType.FLAG:
        options = " (options: true_values: [Y]; false_values: [N])"
    elif field_type is FieldType.IDENTIFIER:
        options = " (options: prefix; encode: true for texts that are no such id)"
    elif field_type is FieldType.CODE:
        options = f" (usual ones: {', '.join(KNOWN_CODES[name])}; option: prefix)"
    elif field_type in TEXT_TYPES:
        options = " (option: prefix)"
    return field_type.value + options
