"""The rules that guardrails have put back to shadow, by the log of the control stream."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from console.store.tables import control_log
from udfs.control.elements import ControlError, GuardrailControl
from udfs.control.envelope import decode_record

ACCEPTED = "accepted"
MOST_ROWS = 1_000


class Crossed(NamedTuple):
    """A guardrail that was crossed. `number`: of its record in the log."""

    number: int
    at_ms: int
    element: GuardrailControl


class Looked(NamedTuple):
    """What was crossed, and the number of the last record that was looked at."""

    crossed: list[Crossed]
    through: int


def newest_record(connection: Connection) -> int:
    """Number of the newest record of the log; 0 without any."""
    return int(connection.execute(select(func.max(control_log.c.number))).scalar() or 0)


def crossed_after(connection: Connection, number: int) -> Looked:
    """The guardrails that were crossed after a record of the log."""
    columns = control_log.c
    rows = connection.execute(
        select(columns.number, columns.at_ms, columns.outcome, columns.payload).where(columns.number > number)
        .order_by(columns.number).limit(MOST_ROWS)
    ).all()  # fmt: skip
    found = []
    for row in rows:
        element = _guardrail_of(bytes(row.payload)) if row.outcome == ACCEPTED else None
        if element is not None:
            found.append(Crossed(row.number, row.at_ms, element))
    return Looked(found, rows[-1].number if rows else number)


def _guardrail_of(payload: bytes) -> GuardrailControl | None:
    try:
        element = decode_record(payload).element
    except ControlError:
        return None
    return element if isinstance(element, GuardrailControl) else None
