"""Reads flags: booleans in the spellings that tables use."""

from __future__ import annotations

from ingest.errors import UnreadableValue
from ingest.readers.text import Reader, plain_text, without_point

TRUE_TEXTS = frozenset({"true", "t", "yes", "y", "1"})
FALSE_TEXTS = frozenset({"false", "f", "no", "n", "0"})


def flag_reader(true_values: tuple[str, ...] | None = None, false_values: tuple[str, ...] | None = None) -> Reader:
    """Returns a reader of flags; case is ignored, and 1.0 and 0.0 are 1 and 0.

    With `true_values` alone every other value is false; with both or neither, a value in neither set is an error.
    """
    true_texts = frozenset(text.lower() for text in true_values) if true_values is not None else TRUE_TEXTS
    false_texts = frozenset(text.lower() for text in false_values) if false_values is not None else FALSE_TEXTS
    others_are_false = true_values is not None and false_values is None
    expected = f"a flag: one of {', '.join(sorted(true_texts))} or {', '.join(sorted(false_texts))}"

    def read(value: object) -> bool:
        text = without_point(plain_text(value)).lower()
        if text in true_texts:
            return True
        if others_are_false or text in false_texts:
            return False
        raise UnreadableValue(expected)

    return read
