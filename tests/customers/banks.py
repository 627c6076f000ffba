"""Random tables of a bank with nulls, repeated rows, records of nobody and of the future, and how they are written."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from customers.database import Database

Rows = list[dict[str, Any]]
AS_OF = datetime(2026, 3, 1, 12)
AS_OF_MS = 1_772_366_400_000
COLUMNS = {
    "customers": {"customer_id": "id", "signed_up_at": "time"},
    "accounts": {"account_id": "id", "customer_id": "id", "opened_at": "time"},
    "devices": {
        "device_id": "id", "customer_id": "id", "registered_at": "time", "last_used_at": "time", "is_active": "flag",
    },
    "login_activity": {
        "login_id": "id", "customer_id": "id", "logged_in_at": "time", "success": "flag", "city": "id", "device_id": "id",
    },
    "transactions": {
        "transaction_id": "id", "customer_id": "id", "transacted_at": "time", "amount": "number", "city": "id",
        "device_id": "id",
    },
}  # fmt: skip
TYPES: dict[str, Any] = {"id": sa.Text, "time": sa.DateTime, "flag": sa.Boolean, "number": sa.Float(53)}


def random_bank(seed: int, customers: int) -> dict[str, Rows]:
    pick = random.Random(seed)

    def moment(days: float) -> datetime | None:
        """Up to so many days before the profile, on a grid of hours; some later, some not known."""
        if pick.random() < 0.03:
            return None
        if pick.random() < 0.03:
            return AS_OF + timedelta(hours=pick.randint(1, 900))
        return AS_OF - timedelta(hours=pick.randint(0, round(days * 24)))

    def maybe(value: Any, share: float = 0.06) -> Any:
        return None if pick.random() < share else value

    def some(name: str, number: int) -> str | None:
        return maybe(f"{name}{number}", 0.02)

    ids = [f"C{number}" for number in range(customers)]
    bank: dict[str, Rows] = {name: [] for name in COLUMNS}
    for customer in ids:
        bank["customers"].append({"customer_id": customer, "signed_up_at": moment(900)})
    owners: list[str | None] = [*ids, *ids, *ids, "stranger", None]
    for number in range(customers * 2):
        owner = pick.choice(owners)
        bank["accounts"].append({"account_id": some("A", number), "customer_id": owner, "opened_at": moment(800)})
        bank["devices"].append(
            {
                "device_id": some("D", number), "customer_id": owner, "registered_at": moment(500),
                "last_used_at": moment(250), "is_active": maybe(pick.random() < 0.9),
            }
        )  # fmt: skip
    for number in range(customers * 20):
        bank["login_activity"].append(
            {
                "login_id": some("L", number), "customer_id": pick.choice(owners), "logged_in_at": moment(20),
                "success": maybe(pick.random() < 0.5), "city": maybe(pick.choice(["Pune", "Delhi", "Köln"])),
                "device_id": maybe(f"D{pick.randrange(5)}"),
            }
        )  # fmt: skip
        bank["transactions"].append(
            {
                "transaction_id": some("T", number), "customer_id": pick.choice(owners), "transacted_at": moment(500),
                "amount": maybe(round(pick.lognormvariate(3, 1), 2)), "city": maybe(pick.choice(["Pune", "Agra"])),
                "device_id": maybe(f"D{pick.randrange(5)}"),
            }
        )  # fmt: skip
    for rows in bank.values():
        rows += [dict(row) for row in pick.sample(rows, len(rows) // 20)]
        pick.shuffle(rows)
    return bank


def write_bank(url: str, bank: dict[str, Rows], *, as_text: bool = False, without: tuple[str, ...] = ()) -> None:
    """Make and fill the tables. `as_text`: every column is a text. `without`: columns `table.column` that are left out."""
    database = Database(url)
    metadata = sa.MetaData()
    with database.writing() as connection:
        for name, columns in COLUMNS.items():
            kept = {column: kind for column, kind in columns.items() if f"{name}.{column}" not in without}
            made = sa.Table(
                name,
                metadata,
                *(sa.Column(column, sa.Text if as_text else TYPES[kind]) for column, kind in kept.items()),
            )
            made.create(connection)
            rows = [
                {column: _text(row[column]) if as_text else row[column] for column in kept}
                for row in bank.get(name, [])
            ]
            if rows:
                connection.execute(made.insert(), rows)
    database.close()


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
