"""Erases a user from the store. What else holds records of a user: console.store.held."""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement, Connection, Table, delete, func, or_, select, update

from console.store.access import add_audit_entry
from console.store.bulk import upsert_rows
from console.store.engine import Database
from console.store.rows import AuditEntry, Erased
from console.store.tables import (
    alerts,
    audit,
    case_files,
    case_journal,
    case_links,
    cases,
    dead_letters,
    decisions,
    erased_users,
    events,
    label_outbox,
    rule_outcomes,
    snoozed_cases,
    snoozes,
)
from console.store.writing import remove_decisions, user_hash
from udfs.records.events import Erasure

ALL_MS = (1 << 63) - 1
KEYS_AT_ONCE = 1_000
BLOCK_OF_USER = "block-list/user:"
BY_EVENT = "an erasure among the events"


def erase_user(database: Database, user_id: str, now_ms: int) -> Erased:
    """Remove the user's rows in one transaction, and note a hash of the id, so that an intake leaves out the records up to
    `now_ms`. Of the audit log the entries stay, without the user's id and values.
    """
    with database.write_alone() as connection:
        return _erase(connection, user_id, ALL_MS, now_ms)


def take_erasure(database: Database, erasure: Erasure) -> Erased | None:
    """Do what an erasure among a source's events says: remove the user's rows up to its time, and audit it.

    None if the user was erased up to then already: a repeat changes nothing.
    """
    digest, until_ms = user_hash(erasure.user_id), erasure.timestamp
    with database.write_alone() as connection:
        columns = erased_users.c
        known_ms = connection.execute(select(columns.erased_ms).where(columns.user_sha256 == digest)).scalar()
        if known_ms is not None and known_ms >= until_ms:
            return None
        erased = _erase(connection, erasure.user_id, until_ms, until_ms)
        entry = AuditEntry(
            at_ms=until_ms, who=BY_EVENT, what="user erased", subject=erasure.event_id, after=dict(erased.counts)
        )
        add_audit_entry(connection, entry)
        return erased


def _erase(connection: Connection, user_id: str, until_ms: int, stays_out_until_ms: int) -> Erased:
    """Remove the user's rows up to a time."""
    counts = {"decisions": _erase_decisions(connection, user_id, until_ms)}
    old_cases = (cases.c.user_id == user_id) & (cases.c.opened_ms <= until_ms)
    of_cases = select(cases.c.case_id).where(old_cases)
    journal = connection.execute(delete(case_journal).where(case_journal.c.case_id.in_(of_cases)))
    counts["case_journal"] = journal.rowcount
    connection.execute(delete(rule_outcomes).where(rule_outcomes.c.case_id.in_(of_cases)))
    for table, is_old in (
        (alerts, (alerts.c.user_id == user_id) & (alerts.c.event_time_ms <= until_ms)),
        (events, (events.c.user_id == user_id) & (events.c.at_ms <= until_ms)),
        (label_outbox, label_outbox.c.case_id.in_(of_cases)),
        (snoozed_cases, snoozed_cases.c.case_id.in_(of_cases)),
        (case_files, case_files.c.case_id.in_(of_cases)),
        (snoozes, (snoozes.c.user_id == user_id) & (snoozes.c.made_ms <= until_ms)),
        (case_links, (case_links.c.user_id == user_id) & (case_links.c.event_time_ms <= until_ms)),
        (cases, old_cases),
    ):
        counts[table.name] = connection.execute(delete(table).where(is_old)).rowcount
    counts["dead_letters"] = _erase_dead_letters(connection, user_id, until_ms)
    counts["audit"] = connection.execute(
        update(audit).where(_names_user(user_id), audit.c.at_ms <= until_ms)
        .values(user_id=None, subject="erased", before=None, after=None)
    ).rowcount  # fmt: skip
    upsert_rows(connection, erased_users, [(user_hash(user_id), stays_out_until_ms)])
    return Erased(counts)


def _names_user(user_id: str) -> ColumnElement[bool]:
    """Entries about the user, and those about a block of the user, whose subject is the name of the control element."""
    of_block = f"{BLOCK_OF_USER}{user_id}"
    return or_(
        audit.c.user_id == user_id, audit.c.subject == of_block,
        func.substr(audit.c.subject, 1, len(of_block) + 1) == f"{of_block} ",
    )  # fmt: skip


def newest_record_ms(database: Database, user_id: str) -> int | None:
    """Time of the newest decision or event of a user in the store."""
    with database.read() as connection:
        newest = _newest(connection, decisions, user_id, "event_time_ms"), _newest(connection, events, user_id, "at_ms")
    return max((one for one in newest if one is not None), default=None)


def _erase_decisions(connection: Connection, user_id: str, until_ms: int) -> int:
    columns = decisions.c
    count = 0
    while True:
        rows = connection.execute(
            select(columns.event_time_ms, columns.decision_id)
            .where(columns.user_id == user_id, columns.event_time_ms <= until_ms).limit(KEYS_AT_ONCE)
        ).all()  # fmt: skip
        if not rows:
            return count
        count += remove_decisions(connection, [(row[0], row[1]) for row in rows])


def _erase_dead_letters(connection: Connection, user_id: str, until_ms: int) -> int:
    """Those whose payload names the user; of payloads that cannot be read, those in which the id stands as a word."""
    columns = dead_letters.c
    is_old = columns.recorded_ms <= until_ms
    count = connection.execute(delete(dead_letters).where(columns.user_id == user_id, is_old)).rowcount
    named = re.compile(rb"(?<![\w-])" + re.escape(user_id.encode()) + rb"(?![\w-])")
    unread = connection.execute(select(columns.letter_id, columns.payload).where(columns.user_id.is_(None), is_old))
    for letter_id, payload in unread.all():
        if named.search(bytes(payload)):
            count += connection.execute(delete(dead_letters).where(columns.letter_id == letter_id)).rowcount
    return count


def _newest(connection: Connection, table: Table, user_id: str, moment: str) -> int | None:
    found = connection.execute(select(func.max(table.c[moment])).where(table.c.user_id == user_id)).scalar()
    return None if found is None else int(found)
