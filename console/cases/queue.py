"""The queue: which cases, in which order, and what stands next to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, exists, func, literal, or_, select, tuple_

from console.cases.rows import CaseRow, NoSuchCase, Outcome
from console.store.alert_cases import CLOSED, OPEN, storable
from console.store.marks import action_number
from console.store.tables import cases, marks, snoozed_cases
from udfs.records.outputs import ACTIONS

Order = Literal[
    "priority", "score", "amount", "time", "due", "action", "user", "merchant", "assignee", "changed", "outcome"
]
ORDERS: tuple[Order, ...] = get_args(Order)
NOBODY = "-"
"""As an assignee: cases without one."""
PAGE_ROWS = 50
_BETWEEN = "\x1f"
"""Between texts that are searched together; no key types it."""
LEAST_AGE_MS = 60_000


class QueueFilters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which cases: those for which all that is given holds. `text`: a part of the reasons, of a user's, merchant's or
    transaction's id, in any case. `rule`: id of a rule that hit. `overdue`: due before now. `state`: `open` leaves out what
    snoozes keep out of the queue, `snoozed` is only that; both are open cases."""

    state: Literal["open", "snoozed", "closed", "all"] = "open"
    outcome: Outcome | None = None
    assignee: str | None = None
    action: str | None = None
    user_id: str | None = None
    merchant_id: str | None = None
    currency: str | None = None
    min_amount: float | None = None
    min_score: int | None = None
    rule: str | None = None
    text: str | None = None
    overdue: bool = False


class QueueOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`descending`: what is most first."""

    by: Order = "priority"
    descending: bool = True


def page(
    connection: Connection,
    filters: QueueFilters,
    order: QueueOrder,
    now_ms: int,
    number: int = 0,
    limit: int = PAGE_ROWS,
) -> list[CaseRow]:
    """Cases of a page, numbered from 0."""
    key, place = sort_key(order, now_ms), cases.c.case_id
    statement = select(place).where(*conditions_of(filters, now_ms)).order_by(*ordered(key, order))
    ids = list(connection.execute(statement.limit(limit).offset(number * limit)).scalars())
    return rows_of(connection, ids, now_ms)


def fitting(connection: Connection, filters: QueueFilters, ids: Sequence[int], now_ms: int) -> list[CaseRow]:
    """Those of these cases that fit."""
    statement = select(cases.c.case_id).where(cases.c.case_id.in_(list(ids)), *conditions_of(filters, now_ms))
    return rows_of(connection, list(connection.execute(statement).scalars()), now_ms)


def count(connection: Connection, filters: QueueFilters, now_ms: int) -> int:
    """How many cases fit."""
    statement = select(func.count()).select_from(cases).where(*conditions_of(filters, now_ms))
    return int(connection.execute(statement).scalar_one())


def neighbours(
    connection: Connection, case_id: int, filters: QueueFilters, order: QueueOrder, now_ms: int
) -> tuple[str | None, str | None]:
    """Ids of the alerts before and after a case in this order, whether or not it fits the filters itself."""
    key = sort_key(order, now_ms)
    own = connection.execute(select(key).where(cases.c.case_id == case_id)).scalar()
    conditions = conditions_of(filters, now_ms)
    before, after = (
        _beside(connection, conditions, key, own, case_id, order.descending, before) for before in (True, False)
    )
    beside = [one for one in (before, after) if one is not None]
    found = connection.execute(select(cases.c.case_id, cases.c.decision_id).where(cases.c.case_id.in_(beside))).all()
    ids = {row[0]: str(row[1]) for row in found if row[1] is not None}
    return (
        None if before is None else ids.get(before),
        None if after is None else ids.get(after),
    )


def rows_of(connection: Connection, ids: Sequence[int], now_ms: int) -> list[CaseRow]:
    """Cases by their numbers, in this order."""
    if not ids:
        return []
    found = connection.execute(select(cases).where(cases.c.case_id.in_(list(ids)))).mappings()
    snoozed = _snoozed(connection, ids, now_ms)
    by_id = {row["case_id"]: _row_of(row, now_ms, snoozed) for row in found}
    return [by_id[one] for one in ids if one in by_id]


def case_of_alert(connection: Connection, decision_id: str, now_ms: int) -> CaseRow:
    """The newest case of an alert's id. Raises NoSuchCase."""
    matching = select(cases).where(cases.c.decision_id == storable(decision_id))
    rows = connection.execute(matching).mappings().all()
    if not rows:
        raise NoSuchCase(f"no alert {decision_id} is in the store; new ones get there within seconds")
    newest = max(rows, key=lambda row: int(row["event_time_ms"] or 0))
    return _row_of(newest, now_ms, _snoozed(connection, [newest["case_id"]], now_ms))


def cases_of_alerts(connection: Connection, alerts: Sequence[tuple[int, str]], now_ms: int) -> list[CaseRow]:
    """The newest cases of alerts given by time and id, in their order; without those that have none."""
    if not alerts:
        return []
    matching = select(cases).where(cases.c.decision_id.in_([decision_id for _, decision_id in alerts]))
    newest: dict[str, RowMapping] = {}
    for row in connection.execute(matching).mappings():
        known = newest.get(row["decision_id"])
        if known is None or (row["event_time_ms"] or 0) > (known["event_time_ms"] or 0):
            newest[row["decision_id"]] = row
    snoozed = _snoozed(connection, [row["case_id"] for row in newest.values()], now_ms)
    return [_row_of(newest[decision_id], now_ms, snoozed) for _, decision_id in alerts if decision_id in newest]


def snoozed_between(connection: Connection, after: int, through: int, now_ms: int) -> int:
    """How many of the cases with these numbers are kept out of the queue."""
    columns = snoozed_cases.c
    statement = select(func.count()).where(
        columns.case_id > after, columns.case_id <= through, columns.until_ms > now_ms
    )
    return int(connection.execute(statement).scalar_one())


def _snoozed(connection: Connection, ids: Sequence[int], now_ms: int) -> dict[int, int]:
    columns = snoozed_cases.c
    rows = connection.execute(
        select(columns.case_id, columns.until_ms).where(columns.case_id.in_(list(ids)), columns.until_ms > now_ms)
    )
    return {int(case_id): int(until_ms) for case_id, until_ms in rows}


def _row_of(row: RowMapping, now_ms: int, snoozed: Mapping[int, int]) -> CaseRow:
    holds = row["lease_until_ms"] is not None and row["lease_until_ms"] > now_ms
    number = row["action"]
    return CaseRow(
        case_id=row["case_id"], decision_id=row["decision_id"] or "", user_id=row["user_id"], state=row["state"],
        title=row["title"], event_time_ms=row["event_time_ms"] or row["opened_ms"], changed_ms=row["changed_ms"],
        risk_score=row["risk_score"] or 0, transaction_id=row["transaction_id"], amount=row["amount"],
        action=ACTIONS[number] if number is not None and 0 <= number < len(ACTIONS) else "refer_to_analyst",
        currency=row["currency"], merchant_id=row["merchant_id"], assignee=row["assignee"],
        claimed_by=row["claimed_by"] if holds else None, lease_until_ms=row["lease_until_ms"] if holds else None,
        due_ms=row["due_ms"], outcome=row["outcome"],
        snoozed_until_ms=snoozed.get(row["case_id"]) if row["state"] == OPEN else None,
    )  # fmt: skip


def conditions_of(filters: QueueFilters, now_ms: int) -> list[ColumnElement[bool]]:
    columns = cases.c
    states = {"all": (OPEN, CLOSED), "snoozed": (OPEN,)}.get(filters.state, (filters.state,))
    found: list[ColumnElement[bool]] = [columns.state.in_(states)]
    kept_out = columns.case_id.in_(select(snoozed_cases.c.case_id).where(snoozed_cases.c.until_ms > now_ms))
    if filters.state == "open":
        found.append(~kept_out)
    elif filters.state == "snoozed":
        found.append(kept_out)
    if filters.outcome is not None:
        found.append(columns.outcome == filters.outcome)
    if filters.assignee == NOBODY:
        found.append(columns.assignee.is_(None))
    elif filters.assignee is not None:
        found.append(columns.assignee == filters.assignee)
    if filters.action is not None:
        found.append(columns.action == action_number(filters.action))
    for column, value in (
        (columns.user_id, filters.user_id), (columns.merchant_id, filters.merchant_id), (columns.currency, filters.currency),
    ):  # fmt: skip
        if value is not None:
            found.append(column == value)
    if filters.min_amount is not None:
        found.append(columns.amount >= filters.min_amount)
    if filters.min_score is not None:
        found.append(columns.risk_score >= filters.min_score)
    if filters.overdue:
        found.append(columns.due_ms < now_ms)
    if filters.rule is not None:
        found.append(
            exists(
                select(literal(1)).where(
                    marks.c.kind == "rule", marks.c.value == filters.rule,
                    marks.c.event_time_ms == columns.event_time_ms, marks.c.decision_id == columns.decision_id,
                )
            )
        )  # fmt: skip
    if filters.text is not None:
        words = filters.text.lower()
        ids: ColumnElement[str] = columns.user_id
        for column in (columns.merchant_id, columns.transaction_id):
            ids = ids + _BETWEEN + func.coalesce(column, "")
        found.append(or_(*(func.lower(one).contains(words, autoescape=True) for one in (columns.title, ids))))
    return found


def sort_key(order: QueueOrder, now_ms: int) -> ColumnElement[Any]:
    columns = cases.c
    match order.by:
        case "priority":
            # Without the factors that are the same for all: each case of the queue is computed.
            age = func.abs(now_ms - func.coalesce(columns.event_time_ms, 0)) + LEAST_AGE_MS
            return func.coalesce(columns.risk_score, 0) * func.coalesce(columns.amount, 1.0) * age
        case "score":
            return func.coalesce(columns.risk_score, 0)
        case "amount":
            return func.coalesce(columns.amount, -1.0)
        case "time":
            return func.coalesce(columns.event_time_ms, 0)
        case "due":
            return func.coalesce(columns.due_ms, 2**62 if not order.descending else -1)
        case "action":
            return func.coalesce(columns.action, -1)
        case "user":
            return columns.user_id
        case "merchant":
            return func.coalesce(columns.merchant_id, "")
        case "assignee":
            return func.coalesce(columns.assignee, "")
        case "changed":
            return columns.changed_ms
        case "outcome":
            return func.coalesce(columns.outcome, "")


def ordered(key: ColumnElement[Any], order: QueueOrder) -> tuple[ColumnElement[Any], ...]:
    place = cases.c.case_id
    return (key.desc(), place.desc()) if order.descending else (key.asc(), place.asc())


def _beside(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], key: ColumnElement[Any], own: Any, case_id: int,
    descending: bool, before: bool,
) -> int | None:  # fmt: skip
    """Number of the case. Only what the queue's index holds is looked at: a row of the table for each case would be slow."""
    place = cases.c.case_id
    upwards = descending == before
    here = tuple_(key, place), tuple_(literal(own), literal(case_id))
    further = here[0] > here[1] if upwards else here[0] < here[1]
    towards = (key.asc(), place.asc()) if upwards else (key.desc(), place.desc())
    statement: Select[Any] = select(place).where(*conditions, further).order_by(*towards).limit(1)
    found = connection.execute(statement).scalar()
    return None if found is None else int(found)
