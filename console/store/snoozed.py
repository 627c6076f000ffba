"""Which cases the snoozes of rules keep out of the queue.

A case is kept out if all rules that hit are snoozed for its user, and the first reason is one of them. A hard block and an
alert with a flag never are. It comes back with the first of these snoozes that ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, insert, select

from console.store.alert_cases import OPEN
from console.store.bulk import upsert_rows
from console.store.encoding import Body
from console.store.tables import case_journal, cases, decisions, snoozed_cases, snoozes

SNOOZED, RETURNED = "snoozed", "returned"
"""Of entries of the journal: a rule keeps the case out of the queue, and does so no more."""
NEVER, STORE = "hard_block", "the store"
_USERS_A_QUERY = 400
_decode_body = msgspec.json.Decoder(Body).decode


class InForce(NamedTuple):
    """A rule that is snoozed for a user: by whom, why, and until when (epoch ms)."""

    rule: str
    who: str
    reason: str
    until_ms: int


class Settled(NamedTuple):
    """Numbers of the cases that are kept out from now on, and of those that came back."""

    kept_out: list[int]
    returned: list[int]


def settle(connection: Connection, user_id: str, who: str, now_ms: int) -> Settled:
    """Keep a user's open cases out of the queue as the snoozes in force say, and have the others back. `who`: changed a
    snooze. Within a transaction that writes."""
    by_rule = _in_force(connection, [user_id], now_ms).get(user_id, {})
    return _settle(connection, user_id, by_rule, who, now_ms)


def settle_new(connection: Connection, users: Iterable[str], now_ms: int) -> None:
    """The same for what has come of these users, by those who made the snoozes."""
    for user_id, by_rule in _in_force(connection, sorted(set(users)), now_ms).items():
        _settle(connection, user_id, by_rule, None, now_ms)


def kept_out_until(body: Body, by_rule: Mapping[str, InForce]) -> int | None:
    """Until when a decision's case is kept out by the rules that are snoozed; None: it is in the queue."""
    hits, reasons = body.rules.hits, body.reasons
    if body.action == NEVER or body.flags or not hits or not reasons:
        return None
    if reasons[0].source != "rule" or reasons[0].name not in by_rule or not all(hit in by_rule for hit in hits):
        return None
    return min(by_rule[hit].until_ms for hit in hits)


def _in_force(connection: Connection, users: Sequence[str], now_ms: int) -> dict[str, dict[str, InForce]]:
    """User -> rule -> the snooze that ends last."""
    columns = snoozes.c
    found: dict[str, dict[str, InForce]] = defaultdict(dict)
    for start in range(0, len(users), _USERS_A_QUERY):
        rows = connection.execute(
            select(columns.user_id, columns.rule, columns.who, columns.reason, columns.until_ms)
            .where(
                columns.user_id.in_(users[start : start + _USERS_A_QUERY]), columns.ended_ms.is_(None),
                columns.until_ms > now_ms,
            ).order_by(columns.until_ms)
        )  # fmt: skip
        for row in rows:
            found[row.user_id][row.rule] = InForce(row.rule, row.who, row.reason, row.until_ms)
    return found


def _settle(
    connection: Connection, user_id: str, by_rule: Mapping[str, InForce], who: str | None, now_ms: int
) -> Settled:
    columns = cases.c
    is_its = (decisions.c.event_time_ms == columns.event_time_ms) & (decisions.c.decision_id == columns.decision_id)
    rows = connection.execute(
        select(columns.case_id, decisions.c.body)
        .join(decisions, is_its)
        .where(columns.user_id == user_id, columns.state == OPEN)
    ).all()
    rows_before = connection.execute(
        select(snoozed_cases.c.case_id, snoozed_cases.c.until_ms)
        .join(cases, columns.case_id == snoozed_cases.c.case_id)
        .where(columns.user_id == user_id, columns.state == OPEN, snoozed_cases.c.until_ms > now_ms)
    )
    before = {int(case_id): int(until_ms) for case_id, until_ms in rows_before}
    until: dict[int, int] = {}
    entries: list[dict[str, object]] = []
    for case_id, text in rows:
        body = _decode_body(text)
        until_ms = kept_out_until(body, by_rule)
        if until_ms is not None:
            until[case_id] = until_ms
            if case_id not in before:
                first = by_rule[body.reasons[0].name]
                entries.append(_entry(case_id, now_ms, who or first.who, SNOOZED, f"{first.rule}: {first.reason}"))
    returned = [case_id for case_id in before if case_id not in until]
    entries += [_entry(case_id, now_ms, who or STORE, RETURNED, "") for case_id in returned]
    if returned:
        connection.execute(delete(snoozed_cases).where(snoozed_cases.c.case_id.in_(returned)))
    upsert_rows(connection, snoozed_cases, until.items())
    if entries:
        connection.execute(insert(case_journal), entries)
    return Settled([case_id for case_id in until if case_id not in before], returned)


def _entry(case_id: int, now_ms: int, who: str, what: str, body: str) -> dict[str, object]:
    return {"case_id": case_id, "at_ms": now_ms, "who": who, "what": what, "body": body}
