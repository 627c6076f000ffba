"""A user's decoded state as versioned msgpack bytes: everything but the log of recent events.

A new layout is a new struct with a new tag; `decode_snapshot` goes on reading the old ones.
"""

from __future__ import annotations

import msgspec

from udfs.account_history import AccountHistory
from udfs.baseline import Habits
from udfs.entries import LoginEntry, TransactionEntry
from udfs.sums import Sums

StoredSums = tuple[int, bytes, bytes]


class SnapshotV1(msgspec.Struct, array_like=True, tag=1, gc=False):
    """Layout 1. Sums are [count, total, squares], the last two as big-endian bytes: msgpack's integers end at 64 bits.

    `logins` are those that the log does not hold.
    """

    sequence: int
    newest_ms: int
    lifetime: StoredSums
    peak: int
    first_ms: int
    night_count: int
    newest_day: int
    days: list[tuple[int, StoredSums]]
    known: list[list[tuple[str, int]]]
    before: TransactionEntry | None
    logins: list[LoginEntry]
    unblocked_ms: list[int]
    labels: list[tuple[str, int, bool]]


class SnapshotV2(SnapshotV1, array_like=True, tag=2, gc=False):
    """Layout 2: with the timezone of the profile, where it names one."""

    timezone: str | None = None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SnapshotV1 | SnapshotV2).decode
_KNOWN = ("devices", "countries", "cities", "merchants", "categories", "ip_addresses", "beneficiaries")


def encode_snapshot(
    sequence: int,
    newest_ms: int,
    habits: Habits,
    account: AccountHistory,
    before: TransactionEntry | None,
    logins: list[LoginEntry],
    timezone: str | None = None,
) -> bytes:
    """A user's state but the log; `logins` are the account's that the log does not hold."""
    parts = (
        sequence,
        newest_ms,
        _stored(habits.lifetime),
        habits.peak,
        habits.first_ms,
        habits.night_count,
        habits.newest_day,
        [(day, _stored(sums)) for day, sums in habits.days.items()],
        [list(getattr(habits, kind).items()) for kind in _KNOWN],
        before,
        logins,
        account.unblocked_ms,
        [(transaction_id, known_at, fraud) for transaction_id, (known_at, fraud) in account.labels.items()],
    )
    return _encode(SnapshotV1(*parts) if timezone is None else SnapshotV2(*parts, timezone))


def decode_snapshot(data: bytes) -> tuple[SnapshotV2, Habits, AccountHistory]:
    """The stored part of a user in the newest layout; the caller adds the log's logins.

    Raises msgspec.ValidationError for bytes of an unknown layout.
    """
    stored = _decode(data)
    if not isinstance(stored, SnapshotV2):
        stored = SnapshotV2(*msgspec.structs.astuple(stored))
    habits = Habits()
    habits.lifetime = _sums(stored.lifetime)
    habits.peak = stored.peak
    habits.first_ms = stored.first_ms
    habits.night_count = stored.night_count
    habits.newest_day = stored.newest_day
    habits.days = {day: _sums(sums) for day, sums in stored.days}
    for kind, values in zip(_KNOWN, stored.known, strict=True):
        setattr(habits, kind, dict(values))
    account = AccountHistory()
    account.restore_logins(stored.logins)
    account.unblocked_ms = stored.unblocked_ms
    account.restore_labels({transaction_id: (known_at, fraud) for transaction_id, known_at, fraud in stored.labels})
    return stored, habits, account


def _stored(sums: Sums) -> StoredSums:
    return sums.count, _bytes_of(sums.total), _bytes_of(sums.squares)


def _sums(stored: StoredSums) -> Sums:
    count, total, squares = stored
    return Sums(count, int.from_bytes(total, "big"), int.from_bytes(squares, "big"))


def _bytes_of(number: int) -> bytes:
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
