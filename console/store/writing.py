"""Writes batches: all of a batch, and where its source goes on, in one transaction.

A decision that is there already is removed with its marks and text, then written again: a repeat changes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, func, select, text

from console.store import text_search
from console.store.alert_cases import open_cases
from console.store.bulk import insert_rows, upsert_rows
from console.store.encoding import COLUMNS, Body, facts_of, feature_set_of, row_of, words_of_reasons
from console.store.engine import Database
from console.store.marks import action_number, flag_bits, marks_of
from console.store.partitions import make_partitions, month_of
from console.store.rows import Batch, DecisionRecord
from console.store.snoozed import settle_new
from console.store.tables import (
    FACTS,
    alerts,
    bundles,
    dead_letters,
    decisions,
    erased_users,
    events,
    feature_sets,
    marks,
    positions,
    reason_texts,
    rule_sets,
)
from udfs.records.events import Event, Label, Transaction
from udfs.records.outputs import Alert, FlagNotice

Key = tuple[int, str]
MARK_COLUMNS = ("kind", "value", "event_time_ms", "decision_id", *FACTS)
TEXT_COLUMNS = ("event_time_ms", "decision_id", *FACTS, "words")
_KEYS_A_QUERY = 500
_encode = msgspec.json.Encoder().encode
_decode_body = msgspec.json.Decoder(Body).decode


def write(database: Database, batch: Batch, now_ms: int) -> None:
    """Write all of the batch, or nothing. `now_ms`: of the wall clock, for snoozes. Raises StoreUnavailable."""
    with database.write_alone() as connection:
        erased = Erasures(connection)
        write_decisions(connection, [one for one in batch.decisions if not erased.has(one.user_id, one.event_time_ms)])
        letters = [
            one for one in batch.dead_letters if one.user_id is None or not erased.has(one.user_id, one.recorded_ms)
        ]
        noticed = [one for one in batch.alerts if not erased.has(one.user_id, one.event_time_ms)]
        happened = [one for one in batch.events if not erased.has(one.user_id, moment_of(one))]
        upsert_rows(connection, alerts, map(_alert_row, noticed))
        upsert_rows(connection, events, map(_event_row, happened))
        open_cases(connection, noticed, happened)
        alerted = {one.user_id for one in noticed if isinstance(one, Alert)}
        alerted |= {one.user_id for one in batch.decisions if one.action != "allow"}
        settle_new(connection, alerted, now_ms)
        upsert_rows(
            connection, dead_letters,
            ((one.recorded_ms, one.letter_id, one.user_id, one.reason, one.payload, one.payload_sha256,
              _encode(one.origin).decode()) for one in letters),
            key=("letter_id",), replace=False,
        )  # fmt: skip
        upsert_rows(connection, positions, ((one.source, one.partition, one.next_offset) for one in batch.positions))


class Erasures:
    """The users that were erased, and until when."""

    def __init__(self, connection: Connection) -> None:
        rows = connection.execute(select(erased_users.c.user_sha256, erased_users.c.erased_ms))
        self._until_ms: dict[str, int] = {row.user_sha256: row.erased_ms for row in rows}

    def has(self, user_id: str, at_ms: int) -> bool:
        """Does the user's record of this time stay out?"""
        return bool(self._until_ms) and at_ms <= self._until_ms.get(user_hash(user_id), -1)


def user_hash(user_id: str) -> str:
    return sha256(user_id.encode()).hexdigest()


def write_decisions(connection: Connection, records: Iterable[DecisionRecord]) -> None:
    """Within a transaction of `write_alone`."""
    unique = {(record.event_time_ms, record.decision_id): record for record in records}
    if not unique:
        return
    if connection.dialect.name == "postgresql":
        months = {month_of(time_ms) for time_ms, _ in unique}
        make_partitions(connection, (month for month in months if month is not None))
    remove_decisions(connection, list(unique))
    numbers = _seen_bundles(connection, unique.values())
    _seen_rule_sets(connection, unique.values())
    _seen_feature_sets(connection, unique.values())
    rows, found, texts = [], [], []
    for key, record in unique.items():
        facts = facts_of(record, numbers[record.model.bundle])
        rows.append(row_of(record, facts))
        of_one = marks_of(
            record.action, record.risk_score, record.model.bundle, record.rules.hits, record.flags, record.tags
        )
        for mark in of_one:
            found.append((*mark, *key, *facts))
        if words := words_of_reasons(record):
            texts.append((*key, *facts, words))
    insert_rows(connection, decisions, COLUMNS, rows)
    insert_rows(connection, marks, MARK_COLUMNS, sorted(found))
    write_texts(connection, texts)


def write_texts(connection: Connection, texts: Sequence[tuple[Any, ...]]) -> None:
    """Texts as (event_time_ms, decision_id, *FACTS, words) that are not there yet."""
    if not texts:
        return
    if connection.dialect.name == "postgresql":
        rows = [(*one[:-1], text_search.postgresql_words(one[-1])) for one in texts]
        insert_rows(connection, reason_texts, TEXT_COLUMNS, rows)
        return
    rowids = text_search.rowids_of(connection, [(one[0], one[1]) for one in texts])
    rows = [(rowids[one[0], one[1]], " ".join(one[-1]), *one[1:-1]) for one in texts if (one[0], one[1]) in rowids]
    places = ", ".join("?" * (3 + len(FACTS)))
    statement = f"INSERT INTO reason_search (rowid, words, decision_id, {', '.join(FACTS)}) VALUES ({places})"
    if rows:
        connection.exec_driver_sql(statement, rows)


def remove_decisions(connection: Connection, keys: Sequence[Key]) -> int:
    """Remove what is there of these decisions, with marks and texts; returns how many were there."""
    old = list(_stored(connection, keys))
    if not old:
        return 0
    gone = []
    for time_ms, decision_id, risk_score, body_json in old:
        body = _decode_body(body_json)
        of_one = marks_of(body.action, risk_score, body.model.bundle, body.rules.hits, body.flags, body.tags)
        gone += [(kind, value, time_ms, decision_id) for kind, value in of_one]
        if connection.dialect.name == "sqlite" and (body.reasons or body.summary):
            text_search.remove_sqlite(connection, (time_ms, decision_id))
    removed = [(time_ms, decision_id) for time_ms, decision_id, *_ in old]
    _delete(connection, marks, ("kind", "value", "event_time_ms", "decision_id"), gone)
    _delete(connection, decisions, ("event_time_ms", "decision_id"), removed)
    if connection.dialect.name == "postgresql":
        _delete(connection, reason_texts, ("event_time_ms", "decision_id"), removed)
    return len(removed)


def _delete(connection: Connection, table: Table, key: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    if rows:
        place = "?" if connection.dialect.name == "sqlite" else "%s"
        condition = " AND ".join(f'"{name}" = {place}' for name in key)
        connection.exec_driver_sql(f'DELETE FROM "{table.name}" WHERE {condition}', list(rows))


def _stored(connection: Connection, keys: Sequence[Key]) -> Iterator[tuple[int, str, int, str]]:
    """(event_time_ms, decision_id, risk_score, body) of those of the keys that are there."""
    columns = "event_time_ms, decision_id, risk_score, body"
    wanted = set(keys)
    if connection.dialect.name == "sqlite":
        waiting = iter(keys)
        while part := list(islice(waiting, _KEYS_A_QUERY)):
            places = ", ".join("?" * len(part))
            statement = f"SELECT {columns} FROM decisions WHERE decision_id IN ({places})"
            found = connection.exec_driver_sql(statement, tuple(decision_id for _, decision_id in part)).all()
            yield from (tuple(row) for row in found if (row[0], row[1]) in wanted)
        return
    by_partition: dict[str, list[str]] = defaultdict(list)
    for time_ms, decision_id in keys:
        month = month_of(time_ms)
        by_partition["decisions_rest" if month is None else month.partition_of("decisions")].append(decision_id)
    for partition, ids in by_partition.items():
        exists = connection.execute(text("SELECT to_regclass(:name)"), {"name": partition}).scalar()
        if exists is None:
            continue
        statement = f"SELECT {columns} FROM {partition} WHERE decision_id = ANY(%s)"
        for row in connection.exec_driver_sql(statement, (ids,)).all():
            if (row[0], row[1]) in wanted:
                yield tuple(row)


def _seen_bundles(connection: Connection, records: Iterable[DecisionRecord]) -> dict[str, int]:
    """The number of each bundle of the records, new ones included."""
    spans = _spans((record.model.bundle, record.event_time_ms) for record in records)
    rows = connection.execute(select(bundles).where(bundles.c.bundle.in_(list(spans)))).all()
    known = {row.bundle: row for row in rows}
    highest = connection.execute(select(func.coalesce(func.max(bundles.c.number), 0))).scalar_one()
    merged = []
    for name, (first, last) in spans.items():
        if name in known:
            row = known[name]
            merged.append((row.number, name, min(first, row.first_ms), max(last, row.last_ms)))
        else:
            highest += 1
            merged.append((highest, name, first, last))
    upsert_rows(connection, bundles, merged)
    return {name: number for number, name, *_ in merged}


def _seen_rule_sets(connection: Connection, records: Iterable[DecisionRecord]) -> None:
    spans = _spans((record.rules.version, record.event_time_ms) for record in records)
    rows = connection.execute(select(rule_sets).where(rule_sets.c.version.in_(list(spans)))).all()
    known = {row.version: (row.first_ms, row.last_ms) for row in rows}
    merged = (
        (version, min(first, known.get(version, (first, last))[0]), max(last, known.get(version, (first, last))[1]))
        for version, (first, last) in spans.items()
    )
    upsert_rows(connection, rule_sets, merged)


def _seen_feature_sets(connection: Connection, records: Iterable[DecisionRecord]) -> None:
    """Keep the names of the sets that came with names."""
    named: dict[str, list[str]] = {}
    for record in records:
        if record.features is not None:
            version = feature_set_of(record)
            if version is not None and version not in named:
                named[version] = list(record.features)
    upsert_rows(
        connection,
        feature_sets,
        ((version, _encode(names).decode()) for version, names in named.items()),
        replace=False,
    )


def _spans(pairs: Iterable[tuple[Any, int]]) -> dict[Any, tuple[int, int]]:
    """Least and greatest time of each name."""
    spans: dict[Any, tuple[int, int]] = {}
    for name, time_ms in pairs:
        first, last = spans.get(name, (time_ms, time_ms))
        spans[name] = min(first, time_ms), max(last, time_ms)
    return spans


def moment_of(event: Event) -> int:
    """Of a label when it became known, else the event time."""
    return event.known_at if isinstance(event, Label) else event.timestamp


def _event_row(event: Event) -> tuple[Any, ...]:
    event_id = event.transaction_id if isinstance(event, Transaction) else event.event_id
    kind = str(type(event).__struct_config__.tag)
    return event.user_id, kind, moment_of(event), event_id, _encode(event).decode()


def _alert_row(alert: Alert | FlagNotice) -> tuple[Any, ...]:
    is_flag = isinstance(alert, FlagNotice)
    return (
        alert.event_time_ms, alert.flag_id if isinstance(alert, FlagNotice) else alert.alert_id,
        "flag" if is_flag else "alert", alert.user_id, action_number(alert.action), flag_bits(alert.flags),
        _encode(alert).decode(),
    )  # fmt: skip
