"""What is told of the data itself: nulls, duplicates and values of another type by column, and the checks by record."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

MOST_EXAMPLES = 5
CHECKS: dict[str, str] = {
    "signup_missing": "customers without a readable moment of sign-up",
    "signup_in_future": "customers who sign up after the moment of the profile",
    "account_before_signup": "accounts opened before their customer signed up",
    "account_in_future": "accounts opened after the moment of the profile",
    "device_used_before_registered": "devices last used before they were registered",
    "device_registered_in_future": "devices registered after the moment of the profile",
    "device_inactive": "devices that are not active, or were not used for a long time",
    "login_in_future": "logins after the moment of the profile, left out of the totals",
    "transaction_in_future": "transactions after the moment of the profile, left out of the totals",
    "without_customer": "accounts, devices, logins and transactions of no customer of the table",
}


class ColumnQuality(msgspec.Struct):
    """One column: `unreadable` values are not of its kind, `example` is one of them. `declared`: the database's type."""

    table: str
    column: str
    kind: str
    declared: str
    rows: int = 0
    nulls: int = 0
    unreadable: int = 0
    example: str | None = None


class TableQuality(msgspec.Struct):
    """One table: `duplicates` are rows whose id an earlier row has; they count once."""

    table: str
    rows: int = 0
    duplicates: int = 0
    absent_columns: list[str] = []


class Check(msgspec.Struct):
    """How many records a check found, and the ids of some."""

    name: str
    meaning: str
    count: int = 0
    examples: list[str] = []

    def add(self, ids: Iterable[str | None]) -> None:
        """Take in the ids of records that the check found."""
        for record in ids:
            self.count += 1
            if len(self.examples) < MOST_EXAMPLES:
                self.examples.append("(no id)" if record is None else record)


class Quality(msgspec.Struct):
    """All that was found about the data."""

    tables: list[TableQuality]
    columns: list[ColumnQuality]
    checks: dict[str, Check]


def nothing_found() -> Quality:
    """No table yet, and every check at 0."""
    return Quality([], [], {name: Check(name, meaning) for name, meaning in CHECKS.items()})
