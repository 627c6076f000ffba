"""Makes digests of new alerts and crossed guardrails and delivers them, on threads of its own. What was told is in the
store: a restart goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from threading import Event, Thread
from typing import NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from console.cases.queue import rows_of
from console.cases.rows import CaseRow
from console.notifications.channels import NotDelivered, deliver
from console.notifications.digest import digest_of
from console.notifications.guardrails import Crossed, crossed_after, newest_record
from console.notifications.settings import Channel, NotificationSettings
from console.store.engine import Database
from console.store.errors import StoreUnavailable
from console.store.marks import action_number
from console.store.tables import cases, deliveries

TRIES = 6
FIRST_RETRY_SECONDS = 2.0
HOUR_MS = 3_600_000
MOST_CASES = 1_000

_log = logging.getLogger(__name__)


class Due(NamedTuple):
    """A message that is to be sent now: its number in the log, its cases and crossed guardrails."""

    number: int
    rows: list[CaseRow]
    crossed: list[Crossed]


class Through(NamedTuple):
    """Up to where a channel was told: numbers of a case, and of a record of the control log."""

    case_id: int
    control: int


class Notifier:
    """One digest a channel at a time. A message may come twice after a kill, with the same id."""

    def __init__(
        self, database: Database, settings: NotificationSettings, environment: Mapping[str, str], now_ms: Callable[[], int],
        first_retry_seconds: float = FIRST_RETRY_SECONDS,
    ) -> None:  # fmt: skip
        """Alerts that come from now on are told; after a restart those since the last message."""
        self._database = database
        self._settings = settings
        self._environment = environment
        self._now_ms = now_ms
        self._first_retry_seconds = first_retry_seconds
        self._stopping = Event()
        with database.read() as connection:
            newest = Through(
                int(connection.execute(select(func.max(cases.c.case_id))).scalar() or 0), newest_record(connection)
            )
        self._through = {channel.name: self._told_through(channel, newest) for channel in settings.channels}
        self._threads = [
            Thread(target=self._run, args=(channel,), name=f"notify-{channel.name}", daemon=True)
            for channel in settings.channels
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Blocks until messages that are being sent have been sent, or have failed."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _told_through(self, channel: Channel, newest: Through) -> Through:
        columns = deliveries.c
        statement = select(func.max(columns.through_case), func.max(columns.through_control))
        with self._database.read() as connection:
            told = connection.execute(statement.where(columns.channel == channel.name)).one()
        return Through(*(known if found is None else int(found) for known, found in zip(newest, told, strict=True)))

    def _run(self, channel: Channel) -> None:
        while not self._stopping.wait(self._settings.digest_seconds):
            try:
                with self._database.write() as connection:
                    due = self._due(connection, channel)
                if due is not None:
                    self._deliver(channel, due)
            except StoreUnavailable:
                _log.warning("notifications wait for the store")

    def _due(self, connection: Connection, channel: Channel) -> Due | None:
        """The next message of a channel, noted in the log; None if there is nothing to tell, or too much was told."""
        now_ms, columns, through = self._now_ms(), cases.c, self._through[channel.name]
        wanted = [action_number(action) for action in self._settings.actions]
        ids = list(
            connection.execute(
                select(columns.case_id).where(columns.case_id > through.case_id, columns.action.in_(wanted))
                .order_by(columns.case_id).limit(MOST_CASES)
            ).scalars()
        )  # fmt: skip
        looked = crossed_after(connection, through.control)
        crossed = looked.crossed if self._settings.guardrails else []
        if not ids and not crossed:
            return None
        told = select(func.count()).where(deliveries.c.channel == channel.name, deliveries.c.made_ms > now_ms - HOUR_MS)
        if int(connection.execute(told).scalar_one()) >= self._settings.most_an_hour:
            return None
        rows = rows_of(connection, ids, now_ms)
        told_through = Through(ids[-1] if ids else through.case_id, looked.through)
        made = connection.execute(
            insert(deliveries).values(
                channel=channel.name, subject=digest_of(rows, crossed, 0, self._settings.address).subject, made_ms=now_ms,
                attempts=0, through_case=told_through.case_id, through_control=told_through.control,
            ).returning(deliveries.c.number)
        )  # fmt: skip
        self._through[channel.name] = told_through
        return Due(int(made.scalar_one()), rows, crossed)

    def _deliver(self, channel: Channel, due: Due) -> None:
        digest = digest_of(due.rows, due.crossed, due.number, self._settings.address)
        for attempt in range(1, TRIES + 1):
            try:
                deliver(channel, digest, self._environment, lambda: self._now_ms() // 1000)
            except NotDelivered as failure:
                self._note(due.number, attempts=attempt, failure=str(failure))
                _log.warning("notification by %s failed (%d of %d): %s", channel.name, attempt, TRIES, failure)
                if self._stopping.wait(self._first_retry_seconds * 2 ** (attempt - 1)):
                    return
            else:
                self._note(due.number, attempts=attempt, failure=None, delivered_ms=self._now_ms())
                return

    def _note(self, number: int, **values: object) -> None:
        with self._database.write() as connection:
            connection.execute(update(deliveries).where(deliveries.c.number == number).values(**values))
