"""Changes of cases: claims, outcomes, assignment, due dates. Each is one conditional update, so that of two analysts one
wins; each is an entry of the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, or_, select, update

from console.cases.journal import add_entry
from console.cases.queue import NOBODY, QueueFilters, QueueOrder, conditions_of, ordered, rows_of, sort_key
from console.cases.rows import LEASE_MS, CaseHeld, CaseRow, Changed, NoSuchCase, Outcome
from console.store.alert_cases import CLOSED, OPEN
from console.store.tables import cases

_CANDIDATES = 20


def claim(connection: Connection, case_id: int, who: str, now_ms: int) -> CaseRow:
    """Claim an open case, or renew one's claim. Raises CaseHeld and NoSuchCase."""
    before = case_row(connection, case_id, now_ms)
    if not _update(
        connection, case_id, [cases.c.state == OPEN, _is_free_for(who, now_ms)],
        claimed_by=who, lease_until_ms=now_ms + LEASE_MS, changed_ms=now_ms,
    ):  # fmt: skip
        raise CaseHeld(_why_not(case_row(connection, case_id, now_ms), who, OPEN))
    if before.claimed_by != who:
        add_entry(connection, case_id, now_ms, who, "claimed")
    return case_row(connection, case_id, now_ms)


def release(connection: Connection, case_id: int, who: str, now_ms: int) -> None:
    """Give up one's claim; nothing happens without one."""
    if _update(
        connection, case_id, [cases.c.claimed_by == who], claimed_by=None, lease_until_ms=None, changed_ms=now_ms
    ):
        add_entry(connection, case_id, now_ms, who, "released")


def claim_next(
    connection: Connection, filters: QueueFilters, order: QueueOrder, who: str, now_ms: int
) -> CaseRow | None:
    """Claim and take the first open case of this order that nobody has; None if there is none."""
    free = [*conditions_of(filters, now_ms), cases.c.state == OPEN, cases.c.assignee.is_(None), _is_unclaimed(now_ms)]
    statement = select(cases.c.case_id).where(*free).order_by(*ordered(sort_key(order, now_ms), order))
    for case_id in connection.execute(statement.limit(_CANDIDATES)).scalars().all():
        if _update(
            connection, case_id, [cases.c.state == OPEN, cases.c.assignee.is_(None), _is_unclaimed(now_ms)],
            claimed_by=who, lease_until_ms=now_ms + LEASE_MS, assignee=who, changed_ms=now_ms,
        ):  # fmt: skip
            add_entry(connection, case_id, now_ms, who, "assigned", who)
            return case_row(connection, case_id, now_ms)
    return None


def close(connection: Connection, case_id: int, outcome: Outcome, who: str, now_ms: int) -> tuple[CaseRow, int]:
    """Close an open case; returns it with the number of the journal's entry. Raises CaseHeld and NoSuchCase."""
    if not _update(
        connection, case_id, [cases.c.state == OPEN, _is_free_for(who, now_ms)],
        state=CLOSED, outcome=outcome, claimed_by=None, lease_until_ms=None, changed_ms=now_ms,
    ):  # fmt: skip
        raise CaseHeld(_why_not(case_row(connection, case_id, now_ms), who, OPEN))
    entry = add_entry(connection, case_id, now_ms, who, "outcome", outcome)
    return case_row(connection, case_id, now_ms), entry


def reopen(
    connection: Connection, case_id: int, taken_back: Outcome | None, who: str, now_ms: int
) -> tuple[Outcome, CaseRow, int]:
    """Open a closed case again; returns the outcome that it had, the case, and the number of the journal's entry.

    `taken_back`: the outcome that is meant; None: whatever it is. Raises CaseHeld, also for a case that has another outcome
    by now, and NoSuchCase.
    """
    before = case_row(connection, case_id, now_ms)
    if taken_back is not None and before.outcome not in (None, taken_back):
        raise CaseHeld(f"it was closed as {before.outcome} meanwhile")
    if before.outcome is None or not _update(
        connection, case_id, [cases.c.state == CLOSED, cases.c.outcome == before.outcome],
        state=OPEN, outcome=None, changed_ms=now_ms,
    ):  # fmt: skip
        raise CaseHeld(_why_not(before, who, CLOSED))
    entry = add_entry(connection, case_id, now_ms, who, "reopened", before.outcome)
    return before.outcome, case_row(connection, case_id, now_ms), entry


def assign(connection: Connection, case_id: int, assignee: str | None, who: str, now_ms: int) -> None:
    """Give a case to somebody, or to nobody. Raises NoSuchCase."""
    case_row(connection, case_id, now_ms)
    _update(connection, case_id, [], assignee=assignee, changed_ms=now_ms)
    add_entry(connection, case_id, now_ms, who, "assigned", assignee or NOBODY)


def set_due(connection: Connection, case_id: int, due_ms: int | None, who: str, now_ms: int) -> None:
    """Set or remove the due date. Raises NoSuchCase."""
    case_row(connection, case_id, now_ms)
    _update(connection, case_id, [], due_ms=due_ms, changed_ms=now_ms)
    add_entry(connection, case_id, now_ms, who, "due", "" if due_ms is None else str(due_ms))


def case_row(connection: Connection, case_id: int, now_ms: int) -> CaseRow:
    """Raises NoSuchCase."""
    found = rows_of(connection, [case_id], now_ms)
    if not found:
        raise NoSuchCase(f"there is no case {case_id}")
    return found[0]


def for_each(case_ids: Sequence[int], change: Any) -> Changed:
    """Call `change` with each number; what it refuses does not stop the others."""
    done: list[int] = []
    refused: dict[int, str] = {}
    for case_id in dict.fromkeys(case_ids):
        try:
            change(case_id)
            done.append(case_id)
        except (CaseHeld, NoSuchCase) as error:
            refused[case_id] = str(error)
    return Changed(done=done, refused=refused)


def _update(connection: Connection, case_id: int, conditions: list[ColumnElement[bool]], **values: Any) -> bool:
    done = connection.execute(update(cases).where(cases.c.case_id == case_id, *conditions).values(**values))
    return done.rowcount == 1


def _is_unclaimed(now_ms: int) -> ColumnElement[bool]:
    return or_(cases.c.claimed_by.is_(None), cases.c.lease_until_ms.is_(None), cases.c.lease_until_ms <= now_ms)


def _is_free_for(who: str, now_ms: int) -> ColumnElement[bool]:
    return or_(_is_unclaimed(now_ms), cases.c.claimed_by == who)


def _why_not(case: CaseRow, who: str, needed: str) -> str:
    if case.state != needed:
        return f"already closed as {case.outcome}" if case.state == CLOSED else "it is open"
    return f"{case.claimed_by} works on it" if case.claimed_by not in (None, who) else "it was changed just now"
