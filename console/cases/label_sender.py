"""Sends the labels of outcomes to what decides, on a thread of its own, until they are taken."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from console.answers.port import AnswersError, EventRefused
from console.cases import outbox
from console.repeating import Repeating
from console.store.engine import Database
from console.store.errors import StoreUnavailable

PAUSE_SECONDS = 0.5
PAUSE_AFTER_FAILURE_SECONDS = 5.0


class TakesEvents(Protocol):
    """What labels are sent to."""

    async def accept(self, payload: bytes) -> str:
        """Take an event; returns its id. Raises EventRefused and Unavailable."""
        ...


class LabelSender:
    """Sends what is due, at least once: a label that is sent twice has the same id and changes nothing."""

    def __init__(self, database: Database, receiver: TakesEvents, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._receiver = receiver
        self._now_ms = now_ms
        self._repeating = Repeating(
            "the sending of labels", lambda: asyncio.run(self._send_due()), PAUSE_SECONDS,
            expected=(AnswersError, StoreUnavailable), pause_after_failure_seconds=PAUSE_AFTER_FAILURE_SECONDS,
        )  # fmt: skip

    def start(self) -> None:
        self._repeating.start()

    def stop(self) -> None:
        """Blocks until the label that is being sent has been taken or refused."""
        self._repeating.stop()

    async def _send_due(self) -> None:
        """Raises StoreUnavailable and Unavailable."""
        with self._database.read() as connection:
            waiting = outbox.due(connection, self._now_ms())
        for label in waiting:
            with self._database.write() as connection:
                if not outbox.begin_sending(connection, label.event_id):
                    continue
            try:
                await self._receiver.accept(label.payload)
            except EventRefused as refusal:
                with self._database.write() as connection:
                    outbox.mark_refused(connection, label.event_id, str(refusal))
                continue
            with self._database.write() as connection:
                outbox.mark_sent(connection, label.event_id, self._now_ms())
