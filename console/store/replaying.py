"""A user's events as the store has them, for the replay of one decision."""

from __future__ import annotations

from sqlalchemy import or_, select

from console.store.engine import Database
from console.store.tables import events

_ORDER = {"label": 0, "account_change": 1, "login": 2, "transaction": 3}


def events_of_user(database: Database, user_id: str, until_ms: int, transaction_id: str) -> list[bytes]:
    """The user's events up to a transaction as lines of JSON, by their time; the transaction is the last one. Empty if the
    store does not have it. Raises StoreUnavailable."""
    columns = events.c
    with database.read() as connection:
        rows = connection.execute(
            select(columns.at_ms, columns.event_type, columns.event_id, columns.body).where(
                columns.user_id == user_id, or_(columns.at_ms < until_ms, columns.at_ms == until_ms)
            )
        ).all()

    def is_it(row: tuple[int, str, str, str]) -> bool:
        return row[1] == "transaction" and row[2] == transaction_id

    ordered = sorted((tuple(row) for row in rows), key=lambda row: (is_it(row), row[0], _ORDER.get(row[1], 0), row[2]))
    if not ordered or not is_it(ordered[-1]):
        return []
    return [row[3].encode() for row in ordered]
