"""The five tables that profiles are made of, and what their columns hold."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["id", "text", "time", "number", "flag"]


class Column(NamedTuple):
    """`is_required`: without it the table cannot be used; another may be missing, and is not known then."""

    name: str
    kind: Kind
    is_required: bool = False


class TableSchema(NamedTuple):
    """`columns[0]` is the id of a row, unless the table has none."""

    name: str
    columns: tuple[Column, ...]
    has_row_id: bool = True


CUSTOMERS = TableSchema("customers", (Column("customer_id", "id", True), Column("signed_up_at", "time", True)))
ACCOUNTS = TableSchema(
    "accounts",
    (Column("account_id", "id", True), Column("customer_id", "id", True), Column("opened_at", "time", True)),
)
DEVICES = TableSchema(
    "devices",
    (
        Column("device_id", "id", True),
        Column("customer_id", "id", True),
        Column("registered_at", "time", True),
        Column("last_used_at", "time", True),
        Column("is_active", "flag"),
    ),
)
LOGINS = TableSchema(
    "login_activity",
    (
        Column("login_id", "id"),
        Column("customer_id", "id", True),
        Column("logged_in_at", "time", True),
        Column("success", "flag", True),
        Column("city", "text"),
        Column("device_id", "id"),
    ),
)
TRANSACTIONS = TableSchema(
    "transactions",
    (
        Column("transaction_id", "id", True),
        Column("customer_id", "id", True),
        Column("transacted_at", "time", True),
        Column("amount", "number", True),
        Column("city", "text"),
        Column("device_id", "id"),
    ),
)
TABLES = (CUSTOMERS, ACCOUNTS, DEVICES, LOGINS, TRANSACTIONS)
ACCOUNT_LINK = "account_id"
"""The column by which transactions find their customer through the accounts, where they have no customer_id."""
