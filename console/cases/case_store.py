"""The cases of a decision store, for pages and senders. Every method is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import func, select

from console.cases import attachments, changes, journal, outbox, queue, rule_results, snoozes
from console.cases.attachments import Attachment, Download
from console.cases.labels import correction_of, label_of
from console.cases.queue import QueueFilters, QueueOrder
from console.cases.rows import CaseRow, Changed, JournalEntry, LabelState, Outcome
from console.cases.snoozes import Snooze
from console.store.engine import Database
from console.store.snoozed import Settled
from console.store.tables import case_journal, cases

LABEL_DELAY_MS = 5_000
"""So long an outcome can be undone before its label is sent."""


class CaseStore:
    """Thread-safe. Methods raise StoreUnavailable, NoSuchCase and CaseHeld."""

    def __init__(self, database: Database, now_ms: Callable[[], int], label_delay_ms: int = LABEL_DELAY_MS) -> None:
        self._database = database
        self._now_ms = now_ms
        self._label_delay_ms = label_delay_ms

    def page(
        self, filters: QueueFilters, order: QueueOrder, number: int = 0, limit: int = queue.PAGE_ROWS
    ) -> list[CaseRow]:
        with self._database.read() as connection:
            return queue.page(connection, filters, order, self._now_ms(), number, limit)

    def count(self, filters: QueueFilters) -> int:
        with self._database.read() as connection:
            return queue.count(connection, filters, self._now_ms())

    def case(self, decision_id: str) -> CaseRow:
        """The case of an alert."""
        with self._database.read() as connection:
            return queue.case_of_alert(connection, decision_id, self._now_ms())

    def cases_of_alerts(self, alerts: Sequence[tuple[int, str]]) -> list[CaseRow]:
        """The cases of alerts, given by time and id, in their order."""
        with self._database.read() as connection:
            return queue.cases_of_alerts(connection, alerts, self._now_ms())

    def fitting(self, filters: QueueFilters, case_ids: Sequence[int]) -> list[CaseRow]:
        """Those of the cases that fit, wherever they are in the queue."""
        with self._database.read() as connection:
            return queue.fitting(connection, filters, case_ids, self._now_ms())

    def neighbours(self, case_id: int, filters: QueueFilters, order: QueueOrder) -> tuple[str | None, str | None]:
        """Ids of the alerts before and after."""
        with self._database.read() as connection:
            return queue.neighbours(connection, case_id, filters, order, self._now_ms())

    def claim(self, case_id: int, who: str) -> CaseRow:
        with self._database.write() as connection:
            return changes.claim(connection, case_id, who, self._now_ms())

    def release(self, case_id: int, who: str) -> None:
        with self._database.write() as connection:
            changes.release(connection, case_id, who, self._now_ms())

    def claim_next(self, filters: QueueFilters, order: QueueOrder, who: str) -> CaseRow | None:
        with self._database.write() as connection:
            return changes.claim_next(connection, filters, order, who, self._now_ms())

    def decide(self, case_ids: Sequence[int], outcome: Outcome, who: str) -> Changed:
        """Close cases with an outcome, and have its label sent after a while."""
        now_ms = self._now_ms()
        with self._database.write() as connection:

            def decide_one(case_id: int) -> None:
                case, entry = changes.close(connection, case_id, outcome, who, now_ms)
                rule_results.note(connection, case, outcome)
                label = label_of(case, outcome, entry, now_ms)
                if label is not None:
                    outbox.put(connection, case_id, label, now_ms + self._label_delay_ms)

            return changes.for_each(case_ids, decide_one)

    def undo(self, case_ids: Sequence[int], who: str, outcome: Outcome | None = None) -> Changed:
        """Open closed cases again, those with this outcome if one is given. A label that waits is not sent; a fraud that was
        sent is taken back by another label."""
        now_ms = self._now_ms()
        with self._database.write() as connection:

            def undo_one(case_id: int) -> None:
                had, case, entry = changes.reopen(connection, case_id, outcome, who, now_ms)
                rule_results.forget(connection, case_id)
                is_withdrawn = outbox.withdraw(connection, case_id)
                label = None if is_withdrawn else correction_of(case, had, entry, now_ms)
                if label is not None:
                    outbox.put(connection, case_id, label, now_ms)

            return changes.for_each(case_ids, undo_one)

    def assign(self, case_ids: Sequence[int], assignee: str | None, who: str) -> Changed:
        now_ms = self._now_ms()
        with self._database.write() as connection:
            return changes.for_each(
                case_ids, lambda case_id: changes.assign(connection, case_id, assignee, who, now_ms)
            )

    def set_due(self, case_ids: Sequence[int], due_ms: int | None, who: str) -> Changed:
        now_ms = self._now_ms()
        with self._database.write() as connection:
            return changes.for_each(case_ids, lambda case_id: changes.set_due(connection, case_id, due_ms, who, now_ms))

    def add_note(self, case_id: int, text: str, who: str) -> None:
        with self._database.write() as connection:
            changes.case_row(connection, case_id, self._now_ms())
            journal.add_entry(connection, case_id, self._now_ms(), who, "note", text)

    def record(self, case_id: int, what: str, body: str, who: str) -> None:
        """Add another entry to the journal, such as a block."""
        with self._database.write() as connection:
            journal.add_entry(connection, case_id, self._now_ms(), who, what, body)

    def snooze(self, user_id: str, rule: str, reason: str, days: int, who: str) -> tuple[Snooze, Settled]:
        """Raises SnoozeError."""
        with self._database.write() as connection:
            return snoozes.snooze(connection, user_id, rule, reason, days, who, self._now_ms())

    def end_snooze(self, snooze_id: int, who: str) -> tuple[Snooze, Settled]:
        """Raises SnoozeError."""
        with self._database.write() as connection:
            return snoozes.end(connection, snooze_id, who, self._now_ms())

    def snoozes(self, user_id: str) -> list[Snooze]:
        with self._database.read() as connection:
            return snoozes.of_user(connection, user_id)

    def add_file(self, case_id: int, name: str, content: bytes, who: str) -> Attachment:
        """Raises FileRefused."""
        with self._database.write() as connection:
            return attachments.add(connection, case_id, name, content, who, self._now_ms())

    def remove_file(self, case_id: int, file_id: int, who: str) -> Attachment:
        with self._database.write() as connection:
            return attachments.remove(connection, case_id, file_id, who, self._now_ms())

    def files(self, case_id: int) -> list[Attachment]:
        with self._database.read() as connection:
            return attachments.of_case(connection, case_id)

    def download(self, case_id: int, file_id: int) -> Download:
        with self._database.read() as connection:
            return attachments.download(connection, case_id, file_id)

    def new_in_queue(self, after: int, through: int) -> int:
        """How many cases of these numbers came into the queue."""
        with self._database.read() as connection:
            return max(0, through - after - queue.snoozed_between(connection, after, through, self._now_ms()))

    def journal(self, case_id: int) -> list[JournalEntry]:
        with self._database.read() as connection:
            return journal.entries_of(connection, case_id)

    def labels(self, case_id: int) -> list[LabelState]:
        with self._database.read() as connection:
            return outbox.labels_of(connection, case_id)

    def label_counts(self) -> dict[str, int]:
        with self._database.read() as connection:
            return outbox.counts(connection)

    def cases_of_user(self, user_id: str, limit: int = 50) -> list[CaseRow]:
        """A user's cases, the newest first."""
        with self._database.read() as connection:
            ids = connection.execute(
                select(cases.c.case_id).where(cases.c.user_id == user_id)
                .order_by(cases.c.event_time_ms.desc(), cases.c.case_id.desc()).limit(limit)
            ).scalars()  # fmt: skip
            return queue.rows_of(connection, list(ids), self._now_ms())

    def newest(self) -> tuple[int, int]:
        """Numbers of the newest case and of the newest entry of the journal: what changes after them is new."""
        with self._database.read() as connection:
            case_id = connection.execute(select(func.max(cases.c.case_id))).scalar()
            entry = connection.execute(select(func.max(case_journal.c.entry))).scalar()
            return int(case_id or 0), int(entry or 0)

    def changed_after(self, entry: int, limit: int = 500) -> list[int]:
        """Numbers of the cases with entries in the journal after this one."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(case_journal.c.case_id).where(case_journal.c.entry > entry)
                .order_by(case_journal.c.entry).limit(limit)
            )  # fmt: skip
            return list(dict.fromkeys(rows.scalars()))
