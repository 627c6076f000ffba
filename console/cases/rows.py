"""What the queue and the pages get of cases."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

Outcome = Literal["fraud", "not_fraud", "insufficient_data", "closed"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
State = Literal["open", "closed"]
LEASE_MS = 10 * 60_000
"""How long a claim holds unless it is renewed."""


class CaseError(Exception):
    """Base class of the reasons for which a case cannot be changed. The message is for the analyst."""


class NoSuchCase(CaseError):
    """There is no case of this number or alert."""


class CaseHeld(CaseError):
    """Somebody else has claimed the case, or has closed or opened it before."""


class CaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """One case. Times in epoch ms; `amount` in major units of `currency`; `risk_score` 0 to 1000. `claimed_by` only while
    its lease holds; `snoozed_until_ms` only while a snooze keeps it out of the queue."""

    case_id: int
    decision_id: str
    user_id: str
    state: State
    title: str
    event_time_ms: int
    changed_ms: int
    risk_score: int
    action: str
    transaction_id: str | None = None
    amount: float | None = None
    currency: str | None = None
    merchant_id: str | None = None
    assignee: str | None = None
    claimed_by: str | None = None
    lease_until_ms: int | None = None
    due_ms: int | None = None
    outcome: Outcome | None = None
    snoozed_until_ms: int | None = None


class JournalEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a case's journal. `what`: kind of change; `body`: its words or value."""

    entry: int
    case_id: int
    at_ms: int
    who: str
    what: str
    body: str


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a change of several cases. `refused`: number of the case -> why, for the analyst."""

    done: list[int]
    refused: dict[int, str]


class LabelState(msgspec.Struct, frozen=True, kw_only=True):
    """A label of a case's outcome. `sent_ms`: None while it waits; `refusal`: why it is never sent."""

    event_id: str
    is_fraud: bool
    send_after_ms: int
    sent_ms: int | None
    refusal: str | None
