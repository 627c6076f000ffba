"""Amounts that are not one plain number: debits and credits in two columns, minor units by the row's currency."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ingest.currency_names import is_iso_currency
from ingest.errors import UnreadableValue
from ingest.readers.blank import BlankTexts, is_blank
from udfs.records.codec import MAX_AMOUNT_MAJOR
from udfs.values.money import exponent


@dataclass(frozen=True)
class DebitOrCredit:
    """Reads the cells of a debit and a credit column as one amount: a debit is positive, a credit negative.

    Exactly one of them may have a value other than 0; its sign is ignored, since many statements write debits as negatives.
    """

    read: Callable[[object], object]
    blank_texts: BlankTexts

    def __call__(self, cells: Sequence[object]) -> float | None:
        """The signed amount, None where both cells are blank. Raises UnreadableValue."""
        debit, credit = (None if is_blank(cell, self.blank_texts) else self.read(cell) for cell in cells)
        assert isinstance(debit, float | None)
        assert isinstance(credit, float | None)
        if debit and credit:
            raise UnreadableValue("a value in only one of the two columns, the debit's or the credit's")
        if debit is None and credit is None:
            return None
        return -abs(credit) if credit else abs(debit or 0.0)


def major_units(amount: float, currency: object) -> float:
    """An amount in minor units of its currency (JPY 500 is 500 yen, KWD 12340 is 12.34 dinars) in major units.

    Raises UnreadableValue for a fraction of a minor unit, and without a currency of ISO 4217.
    """
    if not isinstance(currency, str):
        raise UnreadableValue("a row with a currency (`minor_units` needs it)")
    if not is_iso_currency(currency):
        raise UnreadableValue(f"a currency of ISO 4217, whose minor unit is known, not {currency}")
    if not amount.is_integer():
        raise UnreadableValue(f"a whole number of minor units of {currency} (`minor_units`)")
    major = float(Decimal(int(amount)).scaleb(-exponent(currency)))
    if abs(major) > MAX_AMOUNT_MAJOR:
        raise UnreadableValue(f"an amount of at most {MAX_AMOUNT_MAJOR:.0f} {currency}")
    return major
