"""Labels on their way to the scorer: written with the outcome in one transaction, sent later, so that none is lost or sent
for an outcome that was undone at once."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from console.cases.labels import payload_of
from console.cases.rows import LabelState
from console.store.tables import label_outbox
from udfs.records.events import Label

SENT_AT_ONCE = 100
_decode = msgspec.json.Decoder(Label).decode


class Waiting(NamedTuple):
    """A label that is due."""

    event_id: str
    payload: bytes


def put(connection: Connection, case_id: int, label: Label, send_after_ms: int) -> None:
    """Have a label sent from that moment on."""
    connection.execute(
        insert(label_outbox).values(
            event_id=label.event_id, case_id=case_id, user_id=label.user_id, payload=payload_of(label),
            send_after_ms=send_after_ms, attempts=0,
        )
    )  # fmt: skip


def withdraw(connection: Connection, case_id: int) -> bool:
    """Remove the label of a case that has not been tried to be sent; False if there was none."""
    columns = label_outbox.c
    removed = connection.execute(
        delete(label_outbox).where(columns.case_id == case_id, columns.sent_ms.is_(None), columns.attempts == 0)
    ).rowcount
    return removed > 0


def due(connection: Connection, now_ms: int) -> list[Waiting]:
    """Labels that are to be sent now, oldest first."""
    columns = label_outbox.c
    rows = connection.execute(
        select(columns.event_id, columns.payload)
        .where(columns.sent_ms.is_(None), columns.send_after_ms <= now_ms, columns.refusal.is_(None))
        .order_by(columns.send_after_ms, columns.event_id).limit(SENT_AT_ONCE)
    )  # fmt: skip
    return [Waiting(row.event_id, row.payload.encode()) for row in rows]


def begin_sending(connection: Connection, event_id: str) -> bool:
    """Note that a label is about to be sent; False if it was withdrawn."""
    columns = label_outbox.c
    begun = connection.execute(
        update(label_outbox).where(columns.event_id == event_id, columns.sent_ms.is_(None))
        .values(attempts=columns.attempts + 1)
    )  # fmt: skip
    return begun.rowcount == 1


def mark_sent(connection: Connection, event_id: str, now_ms: int) -> None:
    connection.execute(update(label_outbox).where(label_outbox.c.event_id == event_id).values(sent_ms=now_ms))


def mark_refused(connection: Connection, event_id: str, why: str) -> None:
    connection.execute(update(label_outbox).where(label_outbox.c.event_id == event_id).values(refusal=why))


def labels_of(connection: Connection, case_id: int) -> list[LabelState]:
    """The labels of a case, oldest first."""
    rows = connection.execute(
        select(label_outbox).where(label_outbox.c.case_id == case_id).order_by(label_outbox.c.send_after_ms)
    ).mappings()
    return [
        LabelState(
            event_id=row["event_id"], is_fraud=_decode(row["payload"]).is_fraud, send_after_ms=row["send_after_ms"],
            sent_ms=row["sent_ms"], refusal=row["refusal"],
        )
        for row in rows
    ]  # fmt: skip


def counts(connection: Connection) -> dict[str, int]:
    """Labels that wait, were sent, and were refused."""
    columns = label_outbox.c
    rows = connection.execute(
        select(columns.sent_ms.is_not(None), columns.refusal.is_not(None), func.count()).group_by(
            columns.sent_ms.is_not(None), columns.refusal.is_not(None)
        )
    ).all()
    found = {"waiting": 0, "sent": 0, "refused": 0}
    for sent, refused, number in rows:
        found["refused" if refused else "sent" if sent else "waiting"] += number
    return found
