"""Texts that programs write where they have no value. As an id they would join strangers, as a code be one more category."""

from __future__ import annotations

from typing import Final

BLANK_TEXTS: Final = frozenset(
    {
        "", "-", "--", "---", "?", "null", "(null)", "<null>", "[null]", "none", "(none)", "<none>", "nil", "nan", "#nan",
        "nat", "na", "n/a", "#n/a", "#na", "<na>", "(na)", "n.a.", "\\n", "\\\\n", "undefined", "unknown", "(unknown)",
        "missing", "blank", "(blank)", "not available", "not applicable", "#value!", "#ref!", "#null!", "#div/0!", "#name?",
        "#num!", ".", "..", "...", "n/d", "n.d.", "empty", "(empty)", "<empty>", "not set", "(not set)", "<not set>",
        "unspecified", "not specified", "not provided", "0.0.0.0", "::", "00000000-0000-0000-0000-000000000000", "0" * 32,
    }
)  # fmt: skip
"""In lower case, without surrounding space."""
LONGEST: Final = max(map(len, BLANK_TEXTS))
NAMIBIA: Final = "na"


def is_blank_text(text: str, is_country: bool = False) -> bool:
    """Whether a text stands for a missing value, in any case and with space around it. The country NA is Namibia."""
    plain = text.strip()
    if len(plain) > LONGEST:
        return False
    plain = plain.lower()
    return plain in BLANK_TEXTS and not (is_country and plain == NAMIBIA)
