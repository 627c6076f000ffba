"""Writes profiles to a CSV file, or to a table of the database."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from math import isnan
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError

from customers.database import Database
from customers.errors import TableError
from customers.numbers import NUMBERS
from customers.profiles import Profiles
from customers.schema import TABLES

HEADER = ("customer_id", "flagged", "conditions", "reasons", *NUMBERS)
PARTIAL = ".partial"
_ROWS_A_WRITE = 1_000
_DECIMALS = 4
_ID_LENGTH = 255
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_csv(profiles: Profiles, path: Path) -> None:
    """One row a customer, in the order of their ids; what is not known is empty. Whole or not at all. Raises OSError.

    A text that a spreadsheet would take for a formula, which begins with = + - @ or a control character, gets a ' in front.
    """
    partial = path.with_name(path.name + PARTIAL)
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            for row in _rows(profiles):
                texts = (row[0], "yes" if row[1] else "no", row[2], row[3])
                writer.writerow([*map(harmless, texts), *("" if number is None else number for number in row[4:])])
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def harmless(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def write_table(profiles: Profiles, database: Database, name: str) -> None:
    """Put the profiles into a table in place of those of an earlier run, in one transaction; the table is made if needed.

    Raises TableError where a table of that name is not one of profiles, DatabaseError.
    """
    if name in {schema.name for schema in TABLES}:
        raise TableError(f"{name} is a table that is read: choose another for the profiles")
    table = _table(name)
    with database.writing() as connection:
        try:
            found = {column["name"] for column in sa.inspect(connection).get_columns(name)}
        except NoSuchTableError:
            found = set()
        if found and found != set(table.columns.keys()):
            raise TableError(f"table {name} is there and has other columns than profiles: choose another")
        if not found:
            table.create(connection)
        connection.execute(table.delete())
        as_of = datetime.fromtimestamp(profiles.as_of_ms / 1000, UTC).replace(tzinfo=None)
        names, rows = table.columns.keys(), _rows(profiles)
        while batch := [dict(zip(names, (as_of, *row), strict=True)) for row in islice(rows, _ROWS_A_WRITE)]:
            connection.execute(table.insert(), batch)


def _table(name: str) -> sa.Table:
    """Times are UTC without a zone, as all three databases have them."""
    return sa.Table(
        name,
        sa.MetaData(),
        sa.Column("as_of", sa.DateTime, nullable=False),
        sa.Column("customer_id", sa.String(_ID_LENGTH), primary_key=True),
        sa.Column("flagged", sa.Boolean, nullable=False),
        sa.Column("conditions", sa.Text, nullable=False),
        sa.Column("reasons", sa.Text, nullable=False),
        *(sa.Column(number, sa.Float(53)) for number in NUMBERS),
    )


def _rows(profiles: Profiles) -> Iterator[tuple[Any, ...]]:
    columns = [profiles.totals.numbers[name].tolist() for name in NUMBERS]
    for place, (customer, met) in enumerate(zip(profiles.totals.ids, profiles.met, strict=True)):
        numbers = (_written(column[place]) for column in columns)
        yield (customer, bool(met.conditions), ";".join(met.conditions), "; ".join(met.reasons), *numbers)


def _written(number: float) -> float | int | None:
    if isnan(number):
        return None
    return int(number) if number.is_integer() else round(number, _DECIMALS)
