"""Labels are sent until they are taken, in their order, and what is refused is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.answers.port import EventRefused, Unavailable
from console.cases import label_sender
from console.cases.case_store import CaseStore
from console.cases.label_sender import LabelSender
from console.cases.queue import QueueFilters, QueueOrder
from console.store.store import DecisionStore
from tests.console.api.serving import wait_for
from tests.console.web.seeding import fill

NOW_MS = 1_767_700_000_000


class Receiver:
    """Is away for some calls, and refuses one user."""

    def __init__(self, away: int, refused: bytes) -> None:
        self.away, self.refused = away, refused
        self.taken: list[bytes] = []

    async def accept(self, payload: bytes) -> str:
        if self.away:
            self.away -= 1
            raise Unavailable("away", 1)
        if self.refused in payload:
            raise EventRefused("user_id: not here")
        self.taken.append(payload)
        return "id"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DecisionStore]:
    opened = DecisionStore.open(f"sqlite:///{tmp_path / 'store.sqlite'}")
    fill(opened, NOW_MS)
    yield opened
    opened.close()


def test_labels_wait_for_what_is_away_and_refusals_are_kept(
    store: DecisionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_sender, "PAUSE_AFTER_FAILURE_SECONDS", 0.01)
    monkeypatch.setattr(label_sender, "PAUSE_SECONDS", 0.01)
    cases = CaseStore(store.database, lambda: NOW_MS, label_delay_ms=0)
    rows = cases.page(QueueFilters(), QueueOrder(by="time", descending=False))
    refused = next(row for row in rows if row.user_id == "U3")
    taken = [row for row in rows if row.user_id == "U0"][:3]
    cases.decide([row.case_id for row in (*taken, refused)], "fraud", "anna")
    receiver = Receiver(away=2, refused=b'"U3"')
    sender = LabelSender(store.database, receiver, lambda: NOW_MS)
    sender.start()
    wait_for(lambda: cases.label_counts() == {"waiting": 0, "sent": 3, "refused": 1})
    sender.stop()
    assert [payload.count(b'"label"') for payload in receiver.taken] == [1, 1, 1]
    (told,) = cases.labels(refused.case_id)
    assert (told.refusal, told.sent_ms) == ("user_id: not here", None)


def test_labels_are_sent_after_an_error_that_nobody_expected(
    store: DecisionStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_sender, "PAUSE_AFTER_FAILURE_SECONDS", 0.01)
    monkeypatch.setattr(label_sender, "PAUSE_SECONDS", 0.01)
    cases = CaseStore(store.database, lambda: NOW_MS, label_delay_ms=0)
    row = next(row for row in cases.page(QueueFilters(), QueueOrder(by="time", descending=False)))
    cases.decide([row.case_id], "fraud", "anna")
    errors = [ValueError("unexpected"), RuntimeError("unexpected")]
    taken: list[bytes] = []

    class Odd:
        async def accept(self, payload: bytes) -> str:
            if errors:
                raise errors.pop()
            taken.append(payload)
            return "id"

    sender = LabelSender(store.database, Odd(), lambda: NOW_MS)
    sender.start()
    wait_for(lambda: cases.label_counts() == {"waiting": 0, "sent": 1, "refused": 0})
    sender.stop()
    assert len(taken) == 1
