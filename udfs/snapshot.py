"""A user's decoded state as versioned msgpack bytes: everything but the log of recent events.

A new layout is a new struct with a new tag; `decode_snapshot` goes on reading the old ones.
"""

from __future__ import annotations

import msgspec

from udfs.account_history import AccountHistory
from udfs.baseline import Habits, Sums
from udfs.entries import LoginEntry, TransactionEntry

_LOW_BITS = 62  # msgpack integers end at 64 bits, sums of squares do not
_LOW_MASK = (1 << _LOW_BITS) - 1


class SnapshotV1(msgspec.Struct, array_like=True, tag=1, gc=False):
    """Layout 1. Sums are [count, total, high bits of the squares, low 62 bits of the squares]."""

    sequence: int
    newest_ms: int
    lifetime: tuple[int, int, int, int]
    peak: int
    first_ms: int
    night_count: int
    newest_day: int
    days: list[tuple[int, int, int, int, int]]
    known: list[list[tuple[str, int]]]
    before: TransactionEntry | None
    logins: list[LoginEntry]
    unblocked_ms: list[int]
    labels: list[tuple[str, int, bool]]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SnapshotV1).decode
_KNOWN = ("devices", "countries", "cities", "merchants", "categories", "ip_addresses", "beneficiaries")


def encode_snapshot(
    sequence: int, newest_ms: int, habits: Habits, account: AccountHistory, before: TransactionEntry | None
) -> bytes:
    lifetime = habits.lifetime
    return _encode(
        SnapshotV1(
            sequence,
            newest_ms,
            (lifetime.count, lifetime.total, lifetime.squares >> _LOW_BITS, lifetime.squares & _LOW_MASK),
            habits.peak,
            habits.first_ms,
            habits.night_count,
            habits.newest_day,
            [(d, s.count, s.total, s.squares >> _LOW_BITS, s.squares & _LOW_MASK) for d, s in habits.days.items()],
            [list(getattr(habits, kind).items()) for kind in _KNOWN],
            before,
            account.logins,
            account.unblocked_ms,
            [(transaction_id, known_at, fraud) for transaction_id, (known_at, fraud) in account.labels.items()],
        )
    )


def decode_snapshot(data: bytes) -> tuple[SnapshotV1, Habits, AccountHistory]:
    """The stored part of a user. Raises msgspec.ValidationError for bytes of an unknown layout."""
    stored = _decode(data)
    habits = Habits()
    count, total, high, low = stored.lifetime
    habits.lifetime = Sums(count, total, high << _LOW_BITS | low)
    habits.peak = stored.peak
    habits.first_ms = stored.first_ms
    habits.night_count = stored.night_count
    habits.newest_day = stored.newest_day
    habits.days = {day: Sums(n, sum_, high << _LOW_BITS | low) for day, n, sum_, high, low in stored.days}
    for kind, values in zip(_KNOWN, stored.known, strict=True):
        setattr(habits, kind, dict(values))
    account = AccountHistory()
    account.logins = stored.logins
    account.login_times = [login.timestamp_ms for login in stored.logins]
    account.unblocked_ms = stored.unblocked_ms
    account.labels = {transaction_id: (known_at, fraud) for transaction_id, known_at, fraud in stored.labels}
    return stored, habits, account
