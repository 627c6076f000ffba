"""What changed for a user before an alert: new devices and beneficiaries, account changes, logins that failed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, get_args

import msgspec
from sqlalchemy import Connection, select

from console.store.engine import Database
from console.store.tables import events

HOUR_MS = 3_600_000
SPANS_MS = (24 * HOUR_MS, 72 * HOUR_MS)
MOST_EVENTS = 2_000
"""Of each type, within the longest span."""
MOST_EARLIER = 5_000
"""Of each type, that a device or beneficiary is looked for in."""

Kind = Literal[
    "new_device",
    "new_beneficiary",
    "password_changed",
    "email_changed",
    "phone_changed",
    "account_changed",
    "failed_login",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_WORDS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("password_changed", re.compile(r"\b(passwords?|passcode|pin)\b", re.IGNORECASE)),
    ("email_changed", re.compile(r"\be-?mail", re.IGNORECASE)),
    ("phone_changed", re.compile(r"\b(phone|mobile|telephone|msisdn|sim)\b", re.IGNORECASE)),
)
_SEEN = {"transaction": ("device_id", "beneficiary_id"), "login": ("device_id",)}


class Happened(NamedTuple):
    """One thing that changed. `words`: the id of a device or beneficiary, or the reason of a change, as it came."""

    kind: Kind
    at_ms: int
    words: str


class BeforeAlert(NamedTuple):
    """What changed in the longest span up to `alert_ms`, newest first. `earlier`: events before it that devices and
    beneficiaries were looked for in; with none of them nothing is called new."""

    alert_ms: int
    happened: list[Happened]
    earlier: int

    def counts(self, kind: Kind) -> list[int]:
        """How often, by span."""
        times = [one.at_ms for one in self.happened if one.kind == kind]
        return [sum(at_ms > self.alert_ms - span for at_ms in times) for span in SPANS_MS]


class _Event(msgspec.Struct):
    device_id: str | None = None
    beneficiary_id: str | None = None
    success: bool | None = None
    old_status: str | None = None
    new_status: str | None = None
    reason: str | None = None


_decode = msgspec.json.Decoder(_Event).decode


def before_alert(database: Database, user_id: str, alert_ms: int) -> BeforeAlert:
    """What changed for a user up to an alert, its own payment included. Raises StoreUnavailable."""
    start_ms = alert_ms - SPANS_MS[-1]
    happened: list[Happened] = []
    known: dict[str, set[str]] = {"device_id": set(), "beneficiary_id": set()}
    earlier = 0
    with database.read() as connection:
        inside = {kind: _events(connection, user_id, kind, start_ms, alert_ms) for kind in (*_SEEN, "account_change")}
        for kind, fields in _SEEN.items():
            old = _events(connection, user_id, kind, None, start_ms, MOST_EARLIER)
            earlier += len(old)
            for _, event in old:
                for field in fields:
                    known[field].add(getattr(event, field))
    if earlier:
        both = sorted([*inside["transaction"], *inside["login"]], key=lambda one: one[0])
        happened += _first_seen(both, "device_id", "new_device", known)
        happened += _first_seen(both, "beneficiary_id", "new_beneficiary", known)
    happened += [Happened("failed_login", at_ms, "") for at_ms, one in inside["login"] if one.success is False]
    happened += [Happened(_kind_of(one), at_ms, _words_of(one)) for at_ms, one in inside["account_change"]]
    happened.sort(key=lambda one: -one.at_ms)
    return BeforeAlert(alert_ms, happened, earlier)


def _first_seen(
    moments: Sequence[tuple[int, _Event]], field: str, kind: Kind, known: dict[str, set[str]]
) -> Iterator[Happened]:
    for at_ms, event in moments:
        value = getattr(event, field)
        if value is not None and value not in known[field]:
            known[field].add(value)
            yield Happened(kind, at_ms, value)


def _kind_of(change: _Event) -> Kind:
    words = change.reason or ""
    return next((kind for kind, pattern in _WORDS if pattern.search(words)), "account_changed")


def _words_of(change: _Event) -> str:
    if change.reason:
        return change.reason
    return f"{change.old_status or '?'} → {change.new_status or '?'}"


def _events(
    connection: Connection, user_id: str, kind: str, after_ms: int | None, through_ms: int, most: int = MOST_EVENTS
) -> list[tuple[int, _Event]]:
    """(time, event) of after < time <= through, the newest `most`."""
    columns = events.c
    statement = select(columns.at_ms, columns.body).where(columns.user_id == user_id, columns.event_type == kind)
    statement = statement.where(columns.at_ms <= through_ms)
    if after_ms is not None:
        statement = statement.where(columns.at_ms > after_ms)
    rows = connection.execute(statement.order_by(columns.at_ms.desc(), columns.event_id.desc()).limit(most))
    return [(row.at_ms, _decode(row.body)) for row in rows]
