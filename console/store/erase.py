"""Erases a user from the store, and tells what else holds records of a user and until when."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import Connection, Table, delete, func, select, update

from console.store.bulk import upsert_rows
from console.store.engine import Database
from console.store.rows import Erased
from console.store.tables import (
    alerts,
    audit,
    case_journal,
    case_links,
    cases,
    dead_letters,
    decisions,
    erased_users,
    events,
    label_outbox,
    rule_outcomes,
)
from console.store.writing import remove_decisions, user_hash

if TYPE_CHECKING:
    from jobs.config.job import JobConfig

DAY_MS = 86_400_000
KEYS_AT_ONCE = 1_000


class Held(msgspec.Struct, frozen=True):
    """A place outside the store that may hold records of a user. `until_ms`: epoch ms; None: until someone removes them."""

    where: str
    what: str
    until_ms: int | None


def erase_user(database: Database, user_id: str, now_ms: int) -> Erased:
    """Remove the user's rows in one transaction, and note a hash of the id, so that an intake leaves out the records up to
    `now_ms`. Of the audit log the entries stay, without the user's id and values.
    """
    counts: dict[str, int] = {}
    with database.write_alone() as connection:
        counts["decisions"] = _erase_decisions(connection, user_id)
        of_cases = select(cases.c.case_id).where(cases.c.user_id == user_id)
        journal = connection.execute(delete(case_journal).where(case_journal.c.case_id.in_(of_cases)))
        counts["case_journal"] = journal.rowcount
        connection.execute(delete(rule_outcomes).where(rule_outcomes.c.case_id.in_(of_cases)))
        for table in (alerts, events, cases, case_links, label_outbox):
            counts[table.name] = connection.execute(delete(table).where(table.c.user_id == user_id)).rowcount
        counts["dead_letters"] = _erase_dead_letters(connection, user_id)
        counts["audit"] = connection.execute(
            update(audit).where(audit.c.user_id == user_id)
            .values(user_id=None, subject="erased", before=None, after=None)
        ).rowcount  # fmt: skip
        upsert_rows(connection, erased_users, [(user_hash(user_id), now_ms)])
    return Erased(counts)


def newest_record_ms(database: Database, user_id: str) -> int | None:
    """Time of the newest decision or event of a user in the store."""
    with database.read() as connection:
        newest = _newest(connection, decisions, user_id, "event_time_ms"), _newest(connection, events, user_id, "at_ms")
    return max((one for one in newest if one is not None), default=None)


def held_elsewhere(config: JobConfig, now_ms: int) -> list[Held]:
    """What the job's topics and state may hold of any user, if nothing new comes of that user.

    Asks the brokers for the retention of the topics. Raises ConfigError if they do not answer.
    """
    from console.store.intake_kafka import topics_of

    found = []
    for connection, topics in topics_of(config):
        from console.store.kafka_topics import retention_ms

        kept = retention_ms(connection, list(topics))
        for topic, kind in topics.items():
            time_ms = kept[topic]
            until = None if time_ms is None else now_ms + time_ms
            found.append(Held(f"Kafka topic {topic}", f"{kind} of the last {_days(time_ms)}", until))
    days = config.state.ttl_days
    found.append(
        Held(
            "the job's state",
            "habits, windows and ids of the user; also in checkpoints and savepoints",
            now_ms + days * DAY_MS,
        )
    )
    return found


def _erase_decisions(connection: Connection, user_id: str) -> int:
    columns = decisions.c
    count = 0
    while True:
        rows = connection.execute(
            select(columns.event_time_ms, columns.decision_id).where(columns.user_id == user_id).limit(KEYS_AT_ONCE)
        ).all()
        if not rows:
            return count
        count += remove_decisions(connection, [(row[0], row[1]) for row in rows])


def _erase_dead_letters(connection: Connection, user_id: str) -> int:
    """Those whose payload names the user; of payloads that cannot be read, those in which the id stands as a word."""
    columns = dead_letters.c
    count = connection.execute(delete(dead_letters).where(columns.user_id == user_id)).rowcount
    named = re.compile(rb"(?<![\w-])" + re.escape(user_id.encode()) + rb"(?![\w-])")
    unread = connection.execute(select(columns.letter_id, columns.payload).where(columns.user_id.is_(None)))
    for letter_id, payload in unread.all():
        if named.search(bytes(payload)):
            count += connection.execute(delete(dead_letters).where(columns.letter_id == letter_id)).rowcount
    return count


def _newest(connection: Connection, table: Table, user_id: str, moment: str) -> int | None:
    found = connection.execute(select(func.max(table.c[moment])).where(table.c.user_id == user_id)).scalar()
    return None if found is None else int(found)


def _days(time_ms: int | None) -> str:
    return "time, without limit" if time_ms is None else f"{time_ms / DAY_MS:g} days"
