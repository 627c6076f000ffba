"""A user's decoded state as versioned msgpack bytes: everything but the log of recent events.

A new layout is a new struct with a new tag; `decode_snapshot` goes on reading the old ones.
"""

from __future__ import annotations

import msgspec

from udfs.account_history import AccountHistory
from udfs.baseline import Dealings, Habits
from udfs.entries import LoginEntry, TransactionEntry
from udfs.flag_days import FlagDays
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


class SnapshotV3(SnapshotV2, array_like=True, tag=3, gc=False):
    """Layout 3: with count and total (bytes) of the known categories, and the dealings with the known merchants, as
    [merchant, purchased, refunded (bytes), refunds]. In a state of an earlier layout they begin with what comes after it.
    `flag_days` holds the days on which flags were told (udfs.flag_days).
    """

    category_sums: list[tuple[str, int, bytes]] = []
    merchant_dealings: list[tuple[str, bytes, bytes, int]] = []
    flag_days: list[tuple[str, int, int]] = []


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(SnapshotV1 | SnapshotV2 | SnapshotV3).decode
_KNOWN = ("devices", "countries", "cities", "merchants", "categories", "ip_addresses", "beneficiaries")


def encode_snapshot(
    sequence: int,
    newest_ms: int,
    habits: Habits,
    account: AccountHistory,
    before: TransactionEntry | None,
    logins: list[LoginEntry],
    timezone: str | None = None,
    flag_days: FlagDays | None = None,
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
        timezone,
        [(category, spent.count, _bytes_of(spent.total)) for category, spent in habits.category_sums.items()],
        [
            (merchant_id, _bytes_of(dealings.purchased), _bytes_of(dealings.refunded), dealings.refunds)
            for merchant_id, dealings in habits.merchant_dealings.items()
        ],
        [(kind, newest, told) for kind, (newest, told) in (flag_days or {}).items()],
    )
    return _encode(SnapshotV3(*parts))


def decode_snapshot(data: bytes) -> tuple[SnapshotV3, Habits, AccountHistory]:
    """The stored part of a user in the newest layout; the caller adds the log's logins.

    Raises msgspec.ValidationError for bytes of an unknown layout.
    """
    stored = _decode(data)
    if not isinstance(stored, SnapshotV3):
        stored = SnapshotV3(*msgspec.structs.astuple(stored))
    habits = Habits()
    habits.lifetime = _sums(stored.lifetime)
    habits.peak = stored.peak
    habits.first_ms = stored.first_ms
    habits.night_count = stored.night_count
    habits.newest_day = stored.newest_day
    habits.days = {day: _sums(sums) for day, sums in stored.days}
    for kind, values in zip(_KNOWN, stored.known, strict=True):
        setattr(habits, kind, dict(values))
    for category, count, total in stored.category_sums:
        spent = habits.category_sums[category] = Sums(count, int.from_bytes(total, "big"))
        habits.category_total += spent.total
    for merchant_id, purchased, refunded, refunds in stored.merchant_dealings:
        habits.merchant_dealings[merchant_id] = Dealings(
            int.from_bytes(purchased, "big"), int.from_bytes(refunded, "big"), refunds
        )
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
