"""What counts as nothing: None, NaN, white space, and the texts that programs write for them."""

from __future__ import annotations

from decimal import Decimal

DEFAULT_BLANK_TEXTS = frozenset({"", "NaN", "nan", "NaT", "None", "null", "NULL", "<NA>"})


def is_blank(value: object, blank_texts: frozenset[str] = DEFAULT_BLANK_TEXTS) -> bool:
    """True for None, NaN, white space and any of `blank_texts` (compared without surrounding white space)."""
    if value is None:
        return True
    if isinstance(value, str):
        return value.strip() in blank_texts
    if isinstance(value, float):
        return value != value
    return isinstance(value, Decimal) and value.is_nan()
