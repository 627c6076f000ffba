"""Rows that no reader could use are told apart from those that one can, of today's version and of the one before."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from udfs.entity_buckets import BROAD_KINDS, KINDS, BucketRow, BucketSettings, EntityKind
from udfs.entity_history import EntityHistory
from udfs.stores.encoding import RecordDecoder, encode_record, require_sound_buckets
from udfs.stores.port import HISTORY, UNREADABLE, StoreError

GOOD: dict[str, Any] = {
    "entity": "category", "id": "5411", "complete_through_ms": 0, "first_hour": 10, "hours": [10, 11],
    "transactions": [2, 1], "frauds": [0, 1], "users_1d": [], "users_7d": [], "amounts": [500, 0], "reported": [1, -1],
    "log_amounts": [9, 0], "log_amount_squares": [40, 0],
}  # fmt: skip
EARLIER: dict[str, Any] = {
    "entity": "merchant", "id": "M", "complete_through_ms": 0, "first_hour": 10, "hours": [10, 11],
    "transactions": [2, 1], "frauds": [0, 1], "users_1d": [1, -1], "users_7d": [1, 0],
}  # fmt: skip


@pytest.mark.parametrize(
    ("base", "changed", "words"),
    [
        (GOOD, {"amounts": [500]}, "must be of one length"), (GOOD, {"reported": []}, "must be of one length"),
        (GOOD, {"log_amounts": []}, "must be of one length"), (GOOD, {"users_1d": [1, 0]}, "must be of one length"),
        (EARLIER, {"users_7d": []}, "must be of one length"), (EARLIER, {"reported": [0]}, "must be of one length"),
        (EARLIER, {"users_1d": [], "users_7d": []}, "must be of one length"),
        (GOOD, {"hours": [10, 10]}, "must rise"), (GOOD, {"hours": [0, 2**24]}, "span more than 16,777,215"),
        (GOOD, {"amounts": [-1, 5]}, "amounts of 5411 must not be negative"),
        (GOOD, {"transactions": [-1, 5]}, "transactions of 5411 must not be negative"),
        (GOOD, {"log_amount_squares": [-1, 5]}, "log_amount_squares of 5411 must not be negative"),
        (GOOD, {"reported": [-1, 1]}, "more reported frauds of 5411 leave than have come"),
        (GOOD, {"reported": [2**62, 2**62]}, "more reported frauds of 5411"),
        (EARLIER, {"users_7d": [-1, 1]}, "more users of M leave than have come"),
        (GOOD, {"transactions": [2**62, 1]}, "transactions of 5411 are more than"),
        (GOOD, {"log_amounts": [2**63, 1]}, "log_amounts of 5411 are more than"),
    ],
)  # fmt: skip
def test_buckets_that_could_not_be_read_are_refused_with_what_is_wrong(
    base: dict[str, Any], changed: dict[str, Any], words: str
) -> None:
    require_sound_buckets(BucketRow(**base))
    row = BucketRow(**{**base, **changed})
    with pytest.raises(StoreError, match=words):
        require_sound_buckets(row)
    key = f"{HISTORY[row.entity]}{row.id}"
    assert RecordDecoder(BucketSettings()).decode(key, encode_record(row)) is UNREADABLE


def test_sums_of_amounts_may_be_as_large_as_they_come() -> None:
    row = BucketRow(**{**GOOD, "amounts": [2**62, 2**62]})
    require_sound_buckets(row)
    assert EntityHistory(row, BucketSettings()).as_of(20 * 3_600_000).amount_minor_1d == float(2**63)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_without_hours_is_sound_for_every_kind(kind: EntityKind) -> None:
    empty = {name: [] for name in ("hours", "transactions", "frauds", "users_1d", "users_7d")}
    row = BucketRow(entity=kind, id="x", complete_through_ms=0, first_hour=None, **empty)
    require_sound_buckets(row)
    risk = EntityHistory(row, BucketSettings()).as_of(20 * 3_600_000)
    assert (risk.transactions_7d, risk.frauds_reported_7d, risk.amount_minor_1d) == (0, 0.0, 0.0)
    assert len(risk.fraud_rates) == (3 if kind in BROAD_KINDS else 5 if kind == "merchant" else 1)


def test_a_reader_of_the_version_before_finds_all_that_it_knows_in_a_row_of_today() -> None:
    class RowBefore(msgspec.Struct):
        entity: str
        id: str
        hours: list[int]
        transactions: list[int]
        users_7d: list[int]
        withdrawn: list[tuple[int, int]] = []

    row = BucketRow(**{**EARLIER, "amounts": [1, 2], "reported": [1, 0], "figures_from_hour": 3})
    before = msgspec.msgpack.decode(encode_record(row), type=RowBefore)
    assert (before.hours, before.transactions, before.users_7d) == ([10, 11], [2, 1], [1, 0])
