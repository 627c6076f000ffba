"""A user's events and a decision as the store has them, for the replay of that decision."""

from __future__ import annotations

import msgspec
from sqlalchemy import or_, select

from console.store.engine import Database
from console.store.rows import DecisionRow
from console.store.tables import events
from udfs.records.outputs import Decision, decode_result

ORDER_OF_TYPES = {"label": 0, "account_change": 1, "login": 2, "transaction": 3}
"""Of one time, what a payment may depend on comes before it."""


class TooManyEvents(Exception):
    """The user has more events than were asked for."""


def events_of_user(
    database: Database, user_id: str, until_ms: int, transaction_id: str, most: int | None = None
) -> list[bytes]:
    """The user's events up to a transaction as lines of JSON, by their time; the transaction is the last one. Empty if the
    store does not have it. Raises TooManyEvents if they are more than `most`, and StoreUnavailable."""
    columns = events.c
    with database.read() as connection:
        rows = connection.execute(
            select(columns.at_ms, columns.event_type, columns.event_id, columns.body)
            .where(columns.user_id == user_id, or_(columns.at_ms < until_ms, columns.at_ms == until_ms))
            .limit(None if most is None else most + 1)
        ).all()
    if most is not None and len(rows) > most:
        raise TooManyEvents

    def is_it(row: tuple[int, str, str, str]) -> bool:
        return row[1] == "transaction" and row[2] == transaction_id

    def place(row: tuple[int, str, str, str]) -> tuple[bool, int, int, str]:
        return is_it(row), row[0], ORDER_OF_TYPES.get(row[1], 0), row[2]

    ordered = sorted((tuple(row) for row in rows), key=place)
    if not ordered or not is_it(ordered[-1]):
        return []
    return [row[3].encode() for row in ordered]


def recorded_decision(row: DecisionRow) -> Decision:
    """A decision of the store as the scorer gave it, with its features by name where they are known."""
    fields = {name: value for name, value in msgspec.to_builtins(row).items() if name in Decision.__struct_fields__}
    decision = decode_result(msgspec.json.encode(fields | {"type": "decision"}))
    assert isinstance(decision, Decision)
    return decision
