"""Snoozes of rules: for a while, the alerts of one user that only these rules made are not in the queue.

The decision, its action and its labels stay as they are; what comes meanwhile is there, in the state `snoozed`, and returns
when the snooze ends. Which cases that are: console.store.snoozed.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, insert, select, update

from console.cases.rows import CaseError
from console.store.snoozed import Settled, settle
from console.store.tables import snoozes

DAY_MS = 86_400_000
MOST_DAYS = 90
LONGEST_REASON = 500
MOST_SHOWN = 50


class SnoozeError(CaseError):
    """The rule cannot be snoozed, or its snooze cannot be ended; the message says why."""


class Snooze(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that is not to bring alerts of a user into the queue. Times in epoch ms; `ended_ms`, `ended_by`: of one that
    somebody has ended before `until_ms`."""

    snooze_id: int
    user_id: str
    rule: str
    reason: str
    who: str
    made_ms: int
    until_ms: int
    ended_ms: int | None = None
    ended_by: str | None = None

    def is_in_force(self, now_ms: int) -> bool:
        return self.ended_ms is None and self.until_ms > now_ms


def snooze(
    connection: Connection, user_id: str, rule: str, reason: str, days: int, who: str, now_ms: int
) -> tuple[Snooze, Settled]:
    """Snooze a rule for a user; another snooze of it ends. Returns it with the cases that it changes. Raises SnoozeError."""
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise SnoozeError(f"reason: give 1 to {LONGEST_REASON} characters")
    if not 1 <= days <= MOST_DAYS:
        raise SnoozeError(f"days: give 1 to {MOST_DAYS}")
    columns = snoozes.c
    connection.execute(
        update(snoozes).where(columns.user_id == user_id, columns.rule == rule, columns.ended_ms.is_(None))
        .values(ended_ms=now_ms, ended_by=who)
    )  # fmt: skip
    values = {
        "user_id": user_id, "rule": rule, "reason": reason, "who": who, "made_ms": now_ms,
        "until_ms": now_ms + days * DAY_MS,
    }  # fmt: skip
    number = connection.execute(insert(snoozes).values(values).returning(columns.snooze_id)).scalar_one()
    return Snooze(snooze_id=int(number), **values), settle(connection, user_id, who, now_ms)  # type: ignore[arg-type]


def end(connection: Connection, snooze_id: int, who: str, now_ms: int) -> tuple[Snooze, Settled]:
    """End a snooze before its time. Raises SnoozeError if there is none, or it has ended."""
    columns = snoozes.c
    done = connection.execute(
        update(snoozes).where(columns.snooze_id == snooze_id, columns.ended_ms.is_(None), columns.until_ms > now_ms)
        .values(ended_ms=now_ms, ended_by=who)
    )  # fmt: skip
    if done.rowcount == 0:
        raise SnoozeError("this snooze has ended already")
    row = connection.execute(select(snoozes).where(columns.snooze_id == snooze_id)).mappings().one()
    ended = Snooze(**row)
    return ended, settle(connection, ended.user_id, who, now_ms)


def of_user(connection: Connection, user_id: str) -> list[Snooze]:
    """A user's snoozes, the newest first, ended ones included."""
    columns = snoozes.c
    rows = connection.execute(
        select(snoozes).where(columns.user_id == user_id).order_by(columns.snooze_id.desc()).limit(MOST_SHOWN)
    ).mappings()
    return [Snooze(**row) for row in rows]
