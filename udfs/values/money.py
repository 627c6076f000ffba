"""Money in integer minor units by ISO 4217 exponent, and a dated FX table into the base currency."""

from __future__ import annotations

from bisect import bisect_right
from decimal import ROUND_HALF_EVEN, Context, Decimal

from udfs.values.fx_rates import FxRate

# ISO 4217 minor-unit exponents other than 2 (list one of the maintenance agency).
EXPONENTS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"), 0),
    **dict.fromkeys(("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}
MAX_BASE_MINOR = 10**16  # well within 64 bits, the widest integer of the state
DEFAULT_EXPONENT = 2
_FAST_LIMIT = 1e9  # below it the rounding error of a double in minor units is far smaller than _HALF_MARGIN
_HALF_MARGIN = 1e-3
_EXACT = Context(prec=100)


class MissingRate(ValueError):
    """The FX table has no rate for the currency at that time."""


class AmountOutOfRange(ValueError):
    """The amount in the base currency is larger than MAX_BASE_MINOR."""


def exponent(currency: str) -> int:
    """Number of decimal digits of the currency's minor unit (ISO 4217 exponent)."""
    return EXPONENTS.get(currency, DEFAULT_EXPONENT)


def minor_units(amount: float, digits: int) -> int:
    """Major units to integer minor units, rounded half-even on the decimal text of the amount (not its binary value)."""
    scaled: float = amount * 10**digits
    whole = round(scaled)
    if amount < _FAST_LIMIT and abs(abs(scaled - whole) - 0.5) > _HALF_MARGIN:
        return whole
    return _half_even(Decimal(repr(amount)).scaleb(digits))


def _half_even(value: Decimal) -> int:
    return int(value.to_integral_value(rounding=ROUND_HALF_EVEN))


class Money:
    """Converts amounts to minor units of the base currency.

    Without rates every currency is converted 1:1; with rates, a currency without one raises MissingRate.
    """

    def __init__(self, base_currency: str = "USD", rates: tuple[FxRate, ...] = ()) -> None:
        self.base_currency = base_currency
        self.digits = exponent(base_currency)
        self.scale = 10**self.digits
        self._table: dict[str, tuple[list[int], list[Decimal]]] = {}
        for rate in sorted(rates, key=lambda r: (r.currency, r.valid_from_ms)):
            starts, values = self._table.setdefault(rate.currency, ([], []))
            starts.append(rate.valid_from_ms)
            values.append(Decimal(rate.rate))

    def base_minor(self, amount: float, currency: str | None, timestamp_ms: int) -> int:
        """The amount in minor units of the base currency, at the rate in force at `timestamp_ms`.

        Raises MissingRate, AmountOutOfRange.
        """
        if currency is None or currency == self.base_currency or not self._table:
            return minor_units(amount, self.digits)
        starts, values = self._table.get(currency, ([], []))
        position = bisect_right(starts, timestamp_ms) - 1
        if position < 0:
            raise MissingRate(f"currency: no FX rate from {currency} to {self.base_currency} at {timestamp_ms}")
        minor = minor_units(amount, exponent(currency))
        major = _EXACT.scaleb(Decimal(minor), -exponent(currency))
        base = _half_even(_EXACT.multiply(_EXACT.multiply(major, values[position]), Decimal(self.scale)))
        if base > MAX_BASE_MINOR:
            raise AmountOutOfRange(f"amount: {amount!r} {currency} is too large in {self.base_currency}")
        return base
