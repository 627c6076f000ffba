"""Currencies by ISO 4217 code, number, name and unambiguous sign, in any case: usd, 840 and "US Dollar" are USD.

`currencies.txt` has a line a currency: code, number, and names separated by `|`. A code that is not in it is kept, if it is
three letters: banks have codes of their own. `$` and `¥` are signs of several currencies, and of none here. Letters beside
amounts that are no code of ISO 4217, KSh and RMB, are names.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from udfs.records.codec import is_currency_code

TABLE: Final = Path(__file__).with_name("currencies.txt")
_SIGNS: Final = {
    "€": "EUR",
    "£": "GBP",
    "₹": "INR",
    "₽": "RUB",
    "₩": "KRW",
    "₺": "TRY",
    "₪": "ILS",
    "₴": "UAH",
    "₦": "NGN",
    "₵": "GHS",
    "GH₵": "GHS",
    "₱": "PHP",
    "₫": "VND",
    "฿": "THB",
    "৳": "BDT",
    "₸": "KZT",
    "₲": "PYG",
    "₡": "CRC",
    "₾": "GEL",
    "₼": "AZN",
    "US$": "USD",
    "R$": "BRL",
    "A$": "AUD",
    "AU$": "AUD",
    "C$": "CAD",
    "CA$": "CAD",
    "HK$": "HKD",
    "NT$": "TWD",
    "NZ$": "NZD",
    "S$": "SGD",
}
NUMERIC_DIGITS: Final = 3
BITCOIN: Final = "BTC"


def currency_code(text: str) -> str | None:
    """The code of a currency however it is written; None if the text is none."""
    plain = text.strip()
    code = plain.upper()
    if is_iso_currency(code):
        return code
    spelling = code.zfill(NUMERIC_DIGITS) if code.isascii() and code.isdigit() else _spelling(plain)
    named = _SIGNS.get(code) or _codes().get(spelling)
    return named or (code if is_currency_code(code) else None)


def is_iso_currency(code: str) -> bool:
    """Whether the code is one of ISO 4217."""
    return code in _iso_codes()


@lru_cache(maxsize=1)
def _iso_codes() -> frozenset[str]:
    return frozenset(_codes().values()) - {BITCOIN}


def _spelling(text: str) -> str:
    """Letters and digits in lower case, in the singular."""
    letters = "".join(character for character in text.lower() if character.isalnum())
    return letters.removesuffix("s")


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    codes: dict[str, str] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        code, number, names = line.split(";")
        codes |= {spelling: code for spelling in (number, *map(_spelling, names.split("|"))) if spelling}
    return codes
