"""Country codes: ISO 3166-1 alpha-2, alpha-3 and numeric codes and English names become one alpha-2 code.

US, us, USA, 840 and "United States of America" are US; UK is GB. `countries.txt` has a line a country: alpha-2, alpha-3,
numeric, and names separated by `|`.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

TABLE: Final = Path(__file__).with_name("countries.txt")
NUMERIC_DIGITS: Final = 3


def country_code(text: str) -> str | None:
    """The alpha-2 code of a country's code or name in any usual spelling; None if there is no such country."""
    known = _codes()
    spelling = _spelling(text)
    if spelling.isdigit():
        spelling = spelling.zfill(NUMERIC_DIGITS)
    return known.get(spelling)


def _spelling(text: str) -> str:
    """Letters and digits in lower case, without accents."""
    if text.isascii():
        letters = text
    else:
        decomposed = unicodedata.normalize("NFKD", text)
        letters = "".join(character for character in decomposed if not unicodedata.combining(character))
    return "".join(character for character in letters.lower() if character.isalnum())


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    codes: dict[str, str] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        alpha_2, alpha_3, numeric, names = line.split(";")
        for spelling in (alpha_2, alpha_3, numeric, *names.split("|")):
            if spelling:
                codes[_spelling(spelling)] = alpha_2
    return codes
