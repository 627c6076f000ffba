"""The dated FX table, read from a CSV file with the columns currency, valid_from, rate."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import msgspec

from udfs.records.codec import is_currency_code

COLUMNS = ("currency", "valid_from", "rate")


class FxRate(msgspec.Struct, frozen=True):
    """From `valid_from_ms` on, one major unit of `currency` is worth `rate` (decimal text) units of the base currency."""

    currency: str
    valid_from_ms: int
    rate: str


class FxFileError(ValueError):
    """The FX table cannot be used. The message names file, line and the expected content."""


def load_fx_rates(path: Path) -> tuple[FxRate, ...]:
    """Read `currency,valid_from,rate` lines: ISO 4217 code, ISO 8601 date or time (UTC), base units per unit.

    Raises FxFileError.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise FxFileError(f"{path}: the first line must be {','.join(COLUMNS)}")
            rates = tuple(_rate(row, f"{path}, line {reader.line_num}") for row in reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise FxFileError(f"{path}: cannot be read: {error}") from None

    if not rates:
        raise FxFileError(f"{path}: no rates; leave the table out to count every currency 1:1")
    repeated = [
        key for key, count in Counter((rate.currency, rate.valid_from_ms) for rate in rates).items() if count > 1
    ]
    if repeated:
        raise FxFileError(f"{path}: {repeated[0][0]} has two rates for the same moment")
    return rates


def _rate(row: dict[str, str], location: str) -> FxRate:
    currency = (row["currency"] or "").strip().upper()
    if not is_currency_code(currency):
        raise FxFileError(f"{location}: currency {currency!r} is not an ISO 4217 code of three capital letters")
    try:
        moment = datetime.fromisoformat(row["valid_from"])
    except (TypeError, ValueError):
        raise FxFileError(f"{location}: valid_from {row['valid_from']!r} is not an ISO 8601 date or time") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        rate = Decimal(row["rate"])
    except (InvalidOperation, TypeError):
        rate = Decimal(0)
    if not (rate.is_finite() and rate > 0):
        raise FxFileError(f"{location}: rate {row['rate']!r} is not a number above 0")
    return FxRate(currency, int(moment.timestamp() * 1000), row["rate"])
