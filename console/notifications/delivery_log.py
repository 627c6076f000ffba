"""The log of notifications in the store: what each channel was told, and what it has not taken yet."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from console.cases.queue import rows_of
from console.cases.rows import CaseRow
from console.notifications.digest import digest_of
from console.notifications.guardrails import Crossed, crossed_after, newest_record
from console.notifications.settings import NotificationSettings
from console.store.engine import Database
from console.store.marks import action_number
from console.store.tables import cases, deliveries

HOUR_MS = 3_600_000
MOST_CASES = 1_000


class Due(NamedTuple):
    """A message that is to be sent: its number in the log, its cases and crossed guardrails. `attempts`: that failed."""

    number: int
    rows: list[CaseRow]
    crossed: list[Crossed]
    made_ms: int
    attempts: int = 0


class Through(NamedTuple):
    """Up to where a channel was told: numbers of a case, and of a record of the control log."""

    case_id: int
    control: int


class DeliveryLog:
    """What one channel was told. One thread at a time."""

    def __init__(self, database: Database, channel: str, settings: NotificationSettings) -> None:
        """Alerts that come from now on are told; after a restart those since the last message. Raises StoreUnavailable."""
        self._database = database
        self._channel = channel
        self._settings = settings
        with database.read() as connection:
            self._through = self._told_through(connection)

    def due(self, now_ms: int) -> Due | None:
        """The next message, noted in the log; None if there is nothing to tell, or too much was told.

        Raises StoreUnavailable.
        """
        with self._database.write() as connection:
            made = self._made(connection, now_ms)
        if made is None:
            return None
        due, self._through = made
        return due

    def undelivered(self, now_ms: int) -> Due | None:
        """The newest message, if it was not delivered: channels get one at a time. Raises StoreUnavailable."""
        columns = deliveries.c
        newest = select(deliveries).where(columns.channel == self._channel).order_by(columns.number.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(newest).first()
            if row is None or row.delivered_ms is not None or row.after_case is None or row.after_control is None:
                return None  # without bounds: written by an earlier version, which had given it up
            ids = self._case_ids(connection, row.after_case, row.through_case)
            crossed = [one for one in self._crossed(connection, row.after_control) if one.number <= row.through_control]
            rows = rows_of(connection, ids, now_ms)
        return Due(row.number, rows, crossed, row.made_ms, row.attempts) if rows or crossed else None

    def note(self, number: int, **values: object) -> None:
        """Raises StoreUnavailable."""
        with self._database.write() as connection:
            connection.execute(update(deliveries).where(deliveries.c.number == number).values(**values))

    def _told_through(self, connection: Connection) -> Through:
        newest = Through(
            int(connection.execute(select(func.max(cases.c.case_id))).scalar() or 0), newest_record(connection)
        )
        columns = deliveries.c
        statement = select(func.max(columns.through_case), func.max(columns.through_control))
        told = connection.execute(statement.where(columns.channel == self._channel)).one()
        return Through(*(known if found is None else int(found) for known, found in zip(newest, told, strict=True)))

    def _made(self, connection: Connection, now_ms: int) -> tuple[Due, Through] | None:
        through = self._through
        ids = self._case_ids(connection, through.case_id)
        looked = crossed_after(connection, through.control)
        crossed = looked.crossed if self._settings.guardrails else []
        if not ids and not crossed:
            return None
        columns = deliveries.c
        told = select(func.count()).where(columns.channel == self._channel, columns.made_ms > now_ms - HOUR_MS)
        if int(connection.execute(told).scalar_one()) >= self._settings.most_an_hour:
            return None
        rows = rows_of(connection, ids, now_ms)
        told_through = Through(ids[-1] if ids else through.case_id, looked.through)
        made = connection.execute(
            insert(deliveries).values(
                channel=self._channel, subject=digest_of(rows, crossed, 0, self._settings.address).subject,
                made_ms=now_ms, attempts=0, after_case=through.case_id, after_control=through.control,
                through_case=told_through.case_id, through_control=told_through.control,
            ).returning(columns.number)
        )  # fmt: skip
        return Due(int(made.scalar_one()), rows, crossed, now_ms), told_through

    def _crossed(self, connection: Connection, after: int) -> list[Crossed]:
        return crossed_after(connection, after).crossed if self._settings.guardrails else []

    def _case_ids(self, connection: Connection, after: int, until: int | None = None) -> list[int]:
        columns = cases.c
        wanted = [action_number(action) for action in self._settings.actions]
        statement = select(columns.case_id).where(columns.case_id > after, columns.action.in_(wanted))
        if until is not None:
            statement = statement.where(columns.case_id <= until)
        return list(connection.execute(statement.order_by(columns.case_id).limit(MOST_CASES)).scalars())
