"""Reads codes: channels and entry modes, countries, currencies, and choices of a fixed set."""

from __future__ import annotations

from ingest.currency_names import currency_code
from ingest.errors import UnreadableValue
from ingest.readers.text import Reader, number_or_text, plain_text, text_reader, without_point
from udfs.records.codes import allowed_code, known_code, known_country

CURRENCY_EXPECTED = "an ISO 4217 code as EUR or 978, or a currency's name (other codes: map them with `lookup`)"
_BY_SPELLING = frozenset({"kind", "auth_result"})


def code_reader(field: str, prefix: str = "") -> Reader:
    """Returns a reader of channels and entry modes: known codes in any usual spelling, others in lower case."""
    read_text = text_reader(prefix)

    def read(value: object) -> str | None:
        return known_code(field, str(read_text(number_or_text(value))))

    return read


def country_reader(prefix: str = "") -> Reader:
    """Returns a reader of countries: alpha-2, alpha-3 and numeric codes and names as alpha-2; others in upper case."""
    read_text = text_reader(prefix)

    def read(value: object) -> str:
        return known_country("country", str(read_text(number_or_text(value))))

    return read


def read_currency(value: object) -> str:
    """Reads a currency's ISO 4217 code in any case, its number or its name, as three capital letters."""
    code = currency_code(without_point(plain_text(value)))
    if code is None:
        raise UnreadableValue(CURRENCY_EXPECTED)
    return code


def read_domain(value: object) -> str:
    """Reads an e-mail domain, or that of an e-mail address, in lower case."""
    text = str(text_reader()(value)).rpartition("@")[2].strip().lower()
    if not text:
        raise UnreadableValue("an e-mail domain or address")
    return text


def choice_reader(field: str, choices: tuple[str, ...]) -> Reader:
    """Returns a reader of one of `choices`; case is ignored, and usual spellings of kinds and results are known."""
    expected = f"one of {', '.join(choices)} (other codes: map them with `lookup`)"

    def read(value: object) -> str:
        text = without_point(plain_text(value)).lower()
        code = text if text in choices else allowed_code(field, text) if field in _BY_SPELLING else None
        if code is None:
            raise UnreadableValue(expected)
        return code

    return read
