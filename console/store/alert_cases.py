"""Opens a case of each alert, and links it with the device, beneficiary, merchant, card and IP address of its payment.

Alerts and events may come in either order and again: what is there already stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from console.store.marks import action_number
from console.store.tables import case_links, cases, events
from udfs.core import _native
from udfs.records.events import Event, Transaction
from udfs.records.outputs import Alert, FlagNotice

LINKED = ("device", "beneficiary", "merchant", "card", "ip")
LINK_FIELDS = ("device_id", "beneficiary_id", "merchant_id", "card_id", "ip_address")
OPEN, CLOSED = "open", "closed"
_KEYS_A_QUERY = 400
Key = tuple[int, str]


def open_cases(connection: Connection, noticed: Iterable[Alert | FlagNotice], happened: Iterable[Event]) -> None:
    """Within a transaction of `write_alone`. Flags without an action are no cases."""
    alerts = [one for one in noticed if isinstance(one, Alert)]
    _insert_missing(connection, cases, [_case_of(alert) for alert in alerts])
    payments = [event for event in happened if isinstance(event, Transaction)]
    links: list[dict[str, Any]] = []
    for event in _transactions_of(connection, alerts):
        links += _links_of(event)
    by_key = {_key_of(event): event for event in payments}
    for key in _with_case(connection, list(by_key)):
        links += _links_of(msgspec.to_builtins(by_key[key]))
    _insert_missing(connection, case_links, links)


def _case_of(alert: Alert) -> dict[str, Any]:
    return {
        "user_id": alert.user_id, "state": OPEN, "title": storable(alert.summary or ""), "decision_id": alert.alert_id,
        "opened_ms": alert.event_time_ms, "changed_ms": alert.event_time_ms, "event_time_ms": alert.event_time_ms,
        "transaction_id": alert.transaction_id, "action": action_number(alert.action), "risk_score": alert.risk_score,
        "amount": alert.amount, "currency": storable(alert.currency or "") or None, "merchant_id": alert.merchant_id,
    }  # fmt: skip


def storable(text: str) -> str:
    """Without NUL, which PostgreSQL does not take."""
    return text.replace("\0", "")


def _key_of(event: Transaction) -> Key:
    return event.timestamp, _native.decision_id(event.user_id, event.transaction_id)


def _transactions_of(connection: Connection, alerts: Sequence[Alert]) -> Iterator[dict[str, Any]]:
    """The payments of alerts, of those that the store has read."""
    columns = events.c
    statement = select(columns.body).where(
        columns.user_id == bindparam("user"), columns.event_type == "transaction", columns.at_ms == bindparam("at"),
        columns.event_id == bindparam("event"),
    )  # fmt: skip
    for alert in alerts:
        if alert.transaction_id is not None:
            values = {"user": alert.user_id, "at": alert.event_time_ms, "event": alert.transaction_id}
            body = connection.execute(statement, values).scalar()
            if body is not None:
                yield msgspec.json.decode(body)


def _with_case(connection: Connection, keys: Sequence[Key]) -> list[Key]:
    """Those of the keys that have a case; looked up by the ids, as an index cannot be used for pairs."""
    wanted = set(keys)
    found: list[Key] = []
    columns = cases.c
    for start in range(0, len(keys), _KEYS_A_QUERY):
        ids = [decision_id for _, decision_id in keys[start : start + _KEYS_A_QUERY]]
        rows = connection.execute(
            select(columns.event_time_ms, columns.decision_id).where(columns.decision_id.in_(ids))
        )
        found += [(row[0], row[1]) for row in rows if (row[0], row[1]) in wanted]
    return found


def _links_of(event: dict[str, Any]) -> list[dict[str, Any]]:
    decision_id = _native.decision_id(event["user_id"], event["transaction_id"])
    return [
        {
            "kind": kind, "value": str(event[field]), "event_time_ms": event["timestamp"], "decision_id": decision_id,
            "user_id": event["user_id"],
        }
        for kind, field in zip(LINKED, LINK_FIELDS, strict=True)
        if event.get(field)
    ]  # fmt: skip


def _insert_missing(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    connection.execute(dialect.insert(table).on_conflict_do_nothing(), list(rows))
