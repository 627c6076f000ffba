"""What is written to the store and read from it. Fields are named as in docs/events.md."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

import msgspec

from udfs.records.events import Erasure, Event
from udfs.records.outputs import Alert, FlagNotice, ModelScore, Origin, Reason, RuleScore, ShadowScore

Item = TypeVar("Item")
Role = Literal["scorer", "viewer", "analyst", "admin"]
ROLES: tuple[Role, ...] = ("scorer", "viewer", "analyst", "admin")


class DecisionRow(msgspec.Struct, tag_field="type", tag="decision", frozen=True, kw_only=True):
    """A decision. `features` by name: only of one that is asked for by its id, and if the names of its feature set are
    known; None is not known. Decisions of earlier versions have no `probability` or `coverage`.
    """

    decision_id: str
    transaction_id: str
    user_id: str
    event_time_ms: int
    amount: float
    currency: str
    risk_score: int
    probability: float | None = None
    coverage: float | None = None
    action: str
    tags: list[str] = []
    flags: list[str] = []
    summary: str | None = None
    reasons: list[Reason] = []
    model: ModelScore
    rules: RuleScore
    enrichment: str
    late: bool = False
    stale_history: bool = False
    merchant_id: str | None = None
    origin: Origin | None = None
    control_versions: dict[str, int] = {}
    shadow: list[ShadowScore] = []
    features: dict[str, float | None] | None = None
    feature_set: str | None = None


class DecisionRecord(DecisionRow, tag="decision", frozen=True, kw_only=True):
    """A decision as a job writes it, with its features in either form or none."""

    features_packed: bytes | None = None


class DeadLetterRow(msgspec.Struct, tag_field="type", tag="dead_letter", frozen=True, kw_only=True):
    """A record that could not be processed. `recorded_ms`: when it was written, as far as its source tells, otherwise when
    the store read it. `user_id`: the user that the payload names, if it can be read.
    """

    letter_id: str
    recorded_ms: int
    reason: str
    payload: bytes
    payload_sha256: str
    origin: Origin
    user_id: str | None = None


class Position(msgspec.Struct, frozen=True):
    """Where the intake of one partition of a source goes on."""

    source: str
    partition: int
    next_offset: int


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """What one transaction writes. Everything is identified, so that a repeat replaces what is there."""

    decisions: list[DecisionRecord] = []
    alerts: list[Alert | FlagNotice] = []
    events: list[Event] = []
    dead_letters: list[DeadLetterRow] = []
    erasures: list[Erasure] = []
    positions: list[Position] = []


class DecisionFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which decisions: those for which all that is given holds; `from_ms` <= event time < `to_ms`, scores inclusive.

    `rule`: id of a rule that hit. `text`: words that all occur in the reasons or the summary, in any case and
    order; the first 32 count. A text without a letter or digit says nothing.
    """

    from_ms: int | None = None
    to_ms: int | None = None
    user_id: str | None = None
    transaction_id: str | None = None
    action: str | None = None
    min_score: int | None = None
    max_score: int | None = None
    rule: str | None = None
    bundle: str | None = None
    flag: str | None = None
    tag: str | None = None
    text: str | None = None


class AlertFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts and flags; `kind`: only one of them. Otherwise as in DecisionFilters."""

    from_ms: int | None = None
    to_ms: int | None = None
    user_id: str | None = None
    action: str | None = None
    flag: str | None = None
    kind: Literal["alert", "flag"] | None = None


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """Items, newest first. `next_cursor` gives the page after this one; None at the end.

    Where little of what an index holds is asked for, a page may have fewer items than asked for, even none, although more
    follow: that keeps each page's time short.
    """

    items: list[Item]
    next_cursor: str | None


class TimelineItem(msgspec.Struct, frozen=True, kw_only=True):
    """One moment of a user: a decision, or a login, account change or label as JSON of docs/events.md.

    `at_ms`: the event time; of a label when it became known.
    """

    kind: Literal["decision", "login", "account_change", "label"]
    at_ms: int
    item_id: str
    decision: DecisionRow | None = None
    event: dict[str, Any] | None = None


class BundleRow(msgspec.Struct, frozen=True):
    """A bundle that decided; event times of its first and last decision."""

    bundle: str
    first_ms: int
    last_ms: int


class RuleSetRow(msgspec.Struct, frozen=True):
    """A version of the rules that decided; event times of its first and last decision."""

    version: int
    first_ms: int
    last_ms: int


class DecidedBy(msgspec.Struct, frozen=True, kw_only=True):
    """What one decision was made with: version of the bundle, of the rules, and those of its control elements."""

    event_time_ms: int
    bundle: str
    rules_version: int
    control_versions: dict[str, int]


class KeyRow(msgspec.Struct, frozen=True, kw_only=True):
    """An API key, of which only the hash is kept. `key_id` is its public name."""

    key_id: str
    key_hash: str
    name: str
    role: Role
    created_ms: int
    revoked_ms: int | None = None


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change: who, what, of which subject, and its values before and after. `user_id`: the user it is about."""

    at_ms: int
    who: str
    what: str
    subject: str = ""
    user_id: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


class Erased(msgspec.Struct, frozen=True):
    """Number of rows of a user that were removed, by table."""

    counts: dict[str, int]
