"""Numbers as analysts write them: money, spans of time, shares, multiples."""

from __future__ import annotations

from typing import Literal

from udfs.money import exponent

Form = Literal[
    "money",
    "times",
    "deviations",
    "count",
    "percent",
    "days",
    "minutes",
    "seconds",
    "km",
    "kmh",
    "number",
    "hour",
    "weekday",
    "flag",
]
"""How a feature's value is written. `days`, `minutes` and `seconds` are the unit it comes in."""

_DAY_MINUTES = 1440.0
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def quantity(form: Form, value: float, currency: str = "") -> str:
    """A known value in words; money in `currency`. Takes any number, infinite ones too."""
    if form == "count":
        return f"{value:,.0f}"
    if form == "times":
        return f"{value:,.0f}x" if value >= 10.0 else f"{value:.1f}x" if value >= 0.1 else f"{value:.2g}x"
    if form == "deviations":
        return f"{value:,.1f} standard deviations"
    if form == "money":
        return f"{value:,.{exponent(currency)}f} {currency}".rstrip()
    if form == "percent":
        return percent(value)
    if form == "days":
        return span(value * _DAY_MINUTES)
    if form == "minutes":
        return span(value)
    if form == "seconds":
        return span(value / 60.0)
    if form == "km":
        return f"{value:,.0f} km"
    if form == "kmh":
        return f"{value:,.0f} km/h"
    if form == "hour":
        return f"{value:02.0f}:00"
    if form == "weekday" and value in range(7):
        return _WEEKDAYS[int(value)]
    return f"{value:,.4g}" if abs(value) < 10.0 else f"{value:,.0f}"


def percent(share: float) -> str:
    """A share from 0 to 1 in per cent, with a decimal below 10 %."""
    hundredths = 100.0 * share
    return f"{hundredths:,.0f} %" if hundredths >= 10.0 or hundredths == 0.0 else f"{hundredths:.2g} %"


def rounded_money(value: float, currency: str) -> str:
    """An amount that is only to be compared with: without minor units from 10 upwards, and without the currency."""
    return f"{value:,.0f}" if value >= 10.0 else f"{value:,.{exponent(currency)}f}"


def span(minutes: float) -> str:
    """A length of time by its largest fitting unit: seconds below 2 minutes, days from 2 days."""
    if minutes < 2.0:
        return _plural(minutes * 60.0, "second")
    if minutes < 120.0:
        return _plural(minutes, "minute")
    if minutes < 2.0 * _DAY_MINUTES:
        return _plural(minutes / 60.0, "hour")
    return _plural(minutes / _DAY_MINUTES, "day")


def _plural(number: float, unit: str) -> str:
    written = f"{number:,.0f}"
    return f"{written} {unit}" if written == "1" else f"{written} {unit}s"
