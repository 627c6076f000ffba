"""Detection of blank values: None, NaN, white space, and texts that programs write for missing values."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from udfs.records.blank_texts import is_blank_text


@dataclass(frozen=True)
class BlankTexts:
    """Texts that count as blank: `own`, exactly, and those that the job treats as missing in events, in any case.

    `only_own`: those of events are values, as in attributes, of which the job takes any text. The country NA is Namibia.
    """

    own: frozenset[str] = frozenset()
    only_own: bool = False
    is_country: bool = False

    def __contains__(self, text: str) -> bool:
        plain = text.strip()
        return not plain or plain in self.own or (not self.only_own and is_blank_text(plain, self.is_country))


DEFAULT_BLANKS: Final = BlankTexts()


def is_blank(value: object, blank_texts: BlankTexts = DEFAULT_BLANKS) -> bool:
    """True for None, NaN, white space and any of `blank_texts`; surrounding white space is ignored."""
    if value is None:
        return True
    if isinstance(value, str):
        return value in blank_texts
    if isinstance(value, float):
        return value != value
    return isinstance(value, Decimal) and value.is_nan()
