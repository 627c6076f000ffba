"""Reads dead_letters.jsonl: counts by class of reason, with an example of each."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

import msgspec

from reporting.json_lines import records_of

MAX_CLASSES = 500  # hostile records could produce any number of distinct reasons
OTHER_REASONS = "other reasons"
MAX_CLASS_LENGTH = 160
MAX_REASON_LENGTH = 300
PREVIEW_CHARACTERS = 120
_PREVIEW_BASE64 = 4 * PREVIEW_CHARACTERS  # base64 characters, of which any four are three bytes

_VALUES = re.compile(
    r"""(?<!\w)'(?:[^'\\]|\\.)*'?  # a quoted value, as repr() writes it
    | (?<!\w)"(?:[^"\\]|\\.)*"?
    | (?<![\w`-])[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w)  # a number
    """,
    re.VERBOSE,
)


class DeadLetterClass(msgspec.Struct, frozen=True):
    """Dead letters whose reasons differ at most in quoted values, which `reason` replaces by `…`.

    The example is the first dead letter of the class.
    """

    reason: str
    count: int
    example_reason: str
    example_payload: str


class DeadLetters(msgspec.Struct, frozen=True):
    """The number of dead letters, and their classes, most frequent first."""

    count: int = 0
    classes: tuple[DeadLetterClass, ...] = ()


class _Letter(msgspec.Struct, gc=False):
    reason: str
    payload_base64: str


class _Class(msgspec.Struct):
    first_reason: str
    first_payload_base64: str
    count: int = 0
    is_uniform: bool = True


_decoder = msgspec.json.Decoder(_Letter)


def read_dead_letters(path: Path) -> DeadLetters:
    """The dead letters of the file by class; beyond MAX_CLASSES in one class OTHER_REASONS. Raises RunFilesError."""
    classes: dict[str, _Class] = {}
    for _, letter in records_of(path, _decoder):
        name = reason_class(letter.reason)
        if name not in classes and len(classes) >= MAX_CLASSES:
            name = OTHER_REASONS
        known = classes.get(name)
        if known is None:
            known = classes[name] = _Class(letter.reason[:MAX_REASON_LENGTH], letter.payload_base64[:_PREVIEW_BASE64])
        known.count += 1
        known.is_uniform = known.is_uniform and known.first_reason == letter.reason
    rows = [
        DeadLetterClass(
            known.first_reason if known.is_uniform else name,
            known.count,
            known.first_reason,
            payload_preview(known.first_payload_base64),
        )
        for name, known in classes.items()
    ]
    return DeadLetters(sum(row.count for row in rows), tuple(sorted(rows, key=lambda row: (-row.count, row.reason))))


def reason_class(reason: str) -> str:
    """The reason with `…` for every quoted value and number: `timestamp: … lies in the future, … ms past …`."""
    text = " ".join(_VALUES.sub("…", reason).split())
    return text if len(text) <= MAX_CLASS_LENGTH else text[: MAX_CLASS_LENGTH - 1] + "…"


def payload_preview(payload_base64: str) -> str:
    """The start of the record as text; invalid UTF-8 becomes U+FFFD, invalid base64 the empty text."""
    whole = payload_base64[: len(payload_base64) // 4 * 4]
    try:
        text = base64.b64decode(whole).decode("utf-8", "replace")
    except binascii.Error:
        return ""
    return text if len(text) <= PREVIEW_CHARACTERS else text[: PREVIEW_CHARACTERS - 1] + "…"
