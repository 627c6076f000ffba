"""Reads pages, single decisions and timelines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any, TypeVar

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, select

from console.store.cursors import cursor_of, place_of
from console.store.encoding import LIST_COLUMNS, decision_of
from console.store.rows import (
    AlertFilters,
    BundleRow,
    DeadLetterRow,
    DecidedBy,
    DecisionFilters,
    DecisionRow,
    Page,
    RuleSetRow,
    TimelineItem,
)
from console.store.search import can_be_stored, find, find_alerts
from console.store.tables import alerts, bundles, dead_letters, decisions, events, feature_sets, rule_sets
from console.store.walking import Key, below
from udfs.records.outputs import Alert, FlagNotice, Origin

FeatureNames = Callable[[str], Sequence[str] | None]
"""Names of a feature set in order; None for one that is not known."""
Made = TypeVar("Made")
DECISIONS, ALERTS, TIMELINE, DEAD_LETTERS = "decisions", "alerts", "timeline", "dead_letters"
OTHER_EVENTS = ("account_change", "label", "login")
_KEY = (int, str)
_decode_alert = msgspec.json.Decoder(Alert | FlagNotice).decode
_decode_origin = msgspec.json.Decoder(Origin).decode
_decode_names = msgspec.json.Decoder(list[str]).decode


def decisions_page(
    connection: Connection, filters: DecisionFilters, cursor: str | None, limit: int, seconds: float
) -> Page[DecisionRow]:
    """Raises CursorError."""
    is_sqlite = connection.dialect.name == "sqlite"
    found = find(connection, filters, _key(DECISIONS, cursor), limit + 1, seconds, is_sqlite)
    rows = _decisions(connection, found.keys[:limit])
    return Page(rows, _next(DECISIONS, found.keys, found.below, limit))


def decision(connection: Connection, decision_id: str, names_of: FeatureNames) -> DecisionRow | None:
    """The newest of this id, with features by name: an id comes again if its transaction's id does, days later."""
    if not can_be_stored(decision_id):
        return None
    # Without order and limit: they would invite a walk in the order of time.
    rows = connection.execute(select(decisions).where(decisions.c.decision_id == decision_id)).mappings().all()
    if not rows:
        return None
    newest = max(rows, key=lambda row: int(row["event_time_ms"]))
    names = None if newest["feature_set"] is None else names_of(newest["feature_set"])
    if names is None and newest["feature_set"] is not None:
        kept = select(feature_sets.c.names).where(feature_sets.c.feature_set == newest["feature_set"])
        text = connection.execute(kept).scalar()
        names = None if text is None else _decode_names(text)
    return decision_of(newest, names)


def timeline_page(connection: Connection, user_id: str, cursor: str | None, limit: int) -> Page[TimelineItem]:
    """Raises CursorError."""
    place = place_of(TIMELINE, cursor, (int, str, str))
    before = None if place is None else (int(place[0]), str(place[1]), str(place[2]))
    if not can_be_stored(user_id):
        return Page([], None)
    items = _user_decisions(connection, user_id, before, limit + 1)
    for kind in OTHER_EVENTS:
        items += _user_events(connection, user_id, kind, before, limit + 1)
    items.sort(key=_place_of_item, reverse=True)
    last = _place_of_item(items[limit - 1]) if len(items) > limit else None
    return Page(items[:limit], None if last is None else cursor_of(TIMELINE, last))


def transaction_event(connection: Connection, row: DecisionRow) -> dict[str, Any] | None:
    """The transaction that a decision is about, as JSON of the contract; None if it was not read."""
    columns = events.c
    text = connection.execute(
        select(columns.body).where(
            columns.user_id == row.user_id, columns.event_type == "transaction", columns.at_ms == row.event_time_ms,
            columns.event_id == row.transaction_id,
        )
    ).scalar()  # fmt: skip
    return None if text is None else msgspec.json.decode(text, type=dict[str, Any])


def alerts_page(
    connection: Connection, filters: AlertFilters, cursor: str | None, limit: int, seconds: float
) -> Page[Alert | FlagNotice]:
    """Raises CursorError."""
    found = find_alerts(connection, filters, _key(ALERTS, cursor), limit + 1, seconds)
    keys = found.keys[:limit]
    columns = alerts.c
    ids = [alert_id for _, alert_id in keys]
    rows = connection.execute(
        select(columns.event_time_ms, columns.alert_id, columns.body).where(columns.alert_id.in_(ids))
    )
    bodies = {(row[0], row[1]): row[2] for row in rows}
    items = [_decode_alert(bodies[key]) for key in keys]
    return Page(items, _next(ALERTS, found.keys, found.below, limit))


def dead_letters_page(connection: Connection, cursor: str | None, limit: int) -> Page[DeadLetterRow]:
    """Raises CursorError."""
    columns = dead_letters.c
    key = _key(DEAD_LETTERS, cursor)
    statement = select(dead_letters).order_by(columns.recorded_ms.desc(), columns.letter_id.desc()).limit(limit + 1)
    if key is not None:
        statement = statement.where(columns.recorded_ms <= key[0], below(columns.recorded_ms, columns.letter_id, key))
    rows = [
        DeadLetterRow(
            letter_id=row["letter_id"], recorded_ms=row["recorded_ms"], reason=row["reason"],
            payload=bytes(row["payload"]), payload_sha256=row["payload_sha256"], origin=_decode_origin(row["origin"]),
            user_id=row["user_id"],
        )
        for row in connection.execute(statement).mappings()
    ]  # fmt: skip
    more = (rows[limit - 1].recorded_ms, rows[limit - 1].letter_id) if len(rows) > limit else None
    return Page(rows[:limit], None if more is None else cursor_of(DEAD_LETTERS, more))


def newest_versions(connection: Connection) -> DecidedBy | None:
    """What the newest decision by event time was made with."""
    columns = decisions.c
    newest = select(decisions).order_by(columns.event_time_ms.desc(), columns.decision_id.desc()).limit(1)
    row = connection.execute(newest).mappings().first()
    if row is None:
        return None
    decision = decision_of(row)
    return DecidedBy(
        event_time_ms=decision.event_time_ms, bundle=decision.model.bundle, rules_version=decision.rules.version,
        control_versions=decision.control_versions,
    )  # fmt: skip


def bundle_rows(connection: Connection) -> list[BundleRow]:
    """The bundles that decided, newest first."""
    rows = connection.execute(select(bundles).order_by(bundles.c.last_ms.desc(), bundles.c.number.desc()))
    return [BundleRow(row.bundle, row.first_ms, row.last_ms) for row in rows]


def rule_set_rows(connection: Connection) -> list[RuleSetRow]:
    """The versions of the rules that decided, newest first."""
    rows = connection.execute(select(rule_sets).order_by(rule_sets.c.last_ms.desc(), rule_sets.c.version.desc()))
    return [RuleSetRow(row.version, row.first_ms, row.last_ms) for row in rows]


def _decisions(connection: Connection, keys: Sequence[Key]) -> list[DecisionRow]:
    """In the order of the keys, without features."""
    if not keys:
        return []
    columns = decisions.c
    # By the ids alone: with the times SQLite would read the whole table, and PostgreSQL might read all of their months.
    ids = [decision_id for _, decision_id in keys]
    statement = select(*(columns[name] for name in LIST_COLUMNS)).where(columns.decision_id.in_(ids))
    rows = {(row["event_time_ms"], row["decision_id"]): row for row in connection.execute(statement).mappings()}
    return [decision_of(rows[key]) for key in keys if key in rows]


def _user_decisions(
    connection: Connection, user_id: str, before: tuple[int, str, str] | None, limit: int
) -> list[TimelineItem]:
    columns = decisions.c
    statement = select(columns.event_time_ms, columns.decision_id).where(columns.user_id == user_id)
    statement = _before(statement, columns.event_time_ms, columns.decision_id, "decision", before)
    ordered = statement.order_by(columns.event_time_ms.desc(), columns.decision_id.desc()).limit(limit)
    keys = [(row[0], row[1]) for row in connection.execute(ordered)]
    return [
        TimelineItem(kind="decision", at_ms=row.event_time_ms, item_id=row.decision_id, decision=row)
        for row in _decisions(connection, keys)
    ]


def _user_events(
    connection: Connection, user_id: str, kind: Any, before: tuple[int, str, str] | None, limit: int
) -> list[TimelineItem]:
    columns = events.c
    statement = select(columns.at_ms, columns.event_id, columns.body).where(
        columns.user_id == user_id, columns.event_type == kind
    )
    statement = _before(statement, columns.at_ms, columns.event_id, kind, before)
    ordered = statement.order_by(columns.at_ms.desc(), columns.event_id.desc()).limit(limit)
    return [
        TimelineItem(kind=kind, at_ms=row[0], item_id=row[1], event=msgspec.json.decode(row[2]))
        for row in islice(connection.execute(ordered), limit)
    ]


def _before(
    statement: Select[Any], moment: ColumnElement[int], name: ColumnElement[str], kind: str,
    before: tuple[int, str, str] | None,
) -> Select[Any]:  # fmt: skip
    """Of one kind, what is before a place in the order of (time, kind, id)."""
    if before is None:
        return statement
    at_ms, last_kind, last_id = before
    if kind == last_kind:
        return statement.where(and_(moment <= at_ms, below(moment, name, (at_ms, last_id))))
    return statement.where(moment <= at_ms if kind < last_kind else moment < at_ms)


def _place_of_item(item: TimelineItem) -> tuple[int, str, str]:
    return item.at_ms, item.kind, item.item_id


def _key(listing: str, cursor: str | None) -> Key | None:
    place = place_of(listing, cursor, _KEY)
    return None if place is None else (int(place[0]), str(place[1]))


def _next(listing: str, keys: Sequence[Key], end: Key | None, limit: int) -> str | None:
    """The cursor after a page whose keys were asked for with one more than the limit."""
    if len(keys) > limit:
        return cursor_of(listing, keys[limit - 1])
    return None if end is None else cursor_of(listing, end)
