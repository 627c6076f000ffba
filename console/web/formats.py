"""Numbers, money and times as the pages show them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from udfs.values.money import exponent

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


def money(amount: float | None, currency: str | None) -> str:
    """`1,234.50 EUR`, with the decimals of the currency."""
    if amount is None:
        return ""
    return f"{amount:,.{exponent(currency or 'USD')}f} {currency or ''}".strip()


def utc(epoch_ms: int) -> str:
    """`2026-01-05 12:00:00 UTC`."""
    return _moment(epoch_ms).strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(epoch_ms: int) -> str:
    """For `datetime` of <time>."""
    return _moment(epoch_ms).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(epoch_ms: int) -> str:
    """`2026-01-05`."""
    return _moment(epoch_ms).strftime("%Y-%m-%d")


def age(past_ms: int) -> str:
    """A length of time in its largest unit: `40 s`, `12 min`, `5 h`, `3 d`."""
    length_ms = abs(past_ms)
    if length_ms < MINUTE_MS:
        return f"{length_ms // 1000} s"
    if length_ms < HOUR_MS:
        return f"{length_ms // MINUTE_MS} min"
    if length_ms < 2 * DAY_MS:
        return f"{length_ms // HOUR_MS} h"
    return f"{length_ms // DAY_MS} d"


def number(value: Any) -> str:
    """A number with at most four digits that matter after the point."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, int) or float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.2f}" if abs(value) >= 100 else f"{value:.4g}"


def plain(value: float) -> str:
    """A number as a field of a form takes it, without separators: `1234`, `0.5`."""
    return f"{value:.15g}"


def size(count: int | None) -> str:
    """A number of bytes in its largest unit: `812 B`, `3.4 MB`."""
    if count is None:
        return ""
    if count < 1_000:
        return f"{count} B"
    power = min(4, (len(str(count)) - 1) // 3)
    return f"{count / 1_000**power:.1f} {'BkMGT'[power]}B"


def percent(share: float | None) -> str:
    """`12.5 %`."""
    return "" if share is None else f"{100 * share:.1f} %"


def _moment(epoch_ms: int) -> datetime:
    return datetime.fromtimestamp(min(max(epoch_ms, 0), 253_402_300_799_000) / 1000, UTC)
