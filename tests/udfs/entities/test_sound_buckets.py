"""Validation of stored rows of the present and the previous version."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from udfs.core._native import EntityHistory
from udfs.entities.buckets import BROAD_KINDS, KINDS, BucketRow, BucketSettings, EntityKind
from udfs.stores.encoding import RecordDecoder, encode_record, require_valid_buckets
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
        (GOOD, {"amounts": [500]}, "must have the same length"), (GOOD, {"reported": []}, "must have the same length"),
        (GOOD, {"log_amounts": []}, "must have the same length"), (GOOD, {"users_1d": [1, 0]}, "must have the same length"),
        (EARLIER, {"users_7d": []}, "must have the same length"), (EARLIER, {"reported": [0]}, "must have the same length"),
        (EARLIER, {"users_1d": [], "users_7d": []}, "must have the same length"),
        (GOOD, {"hours": [10, 10]}, "buckets of 5411: hours must increase"),
        (GOOD, {"hours": [0, 2**24]}, "hours span more than 16777215"),
        (GOOD, {"amounts": [-1, 5]}, "buckets of 5411: amounts must not be negative"),
        (GOOD, {"transactions": [-1, 5]}, "buckets of 5411: transactions must not be negative"),
        (GOOD, {"log_amount_squares": [-1, 5]}, "buckets of 5411: log_amount_squares must not be negative"),
        (GOOD, {"reported": [-1, 1]}, "buckets of 5411: the running sum of reported must be 0 to"),
        (GOOD, {"reported": [2**62, 2**62]}, "buckets of 5411: the running sum of reported must be 0 to"),
        (EARLIER, {"users_7d": [-1, 1]}, "buckets of M: the running sum of users_7d must be 0 to"),
        (GOOD, {"transactions": [2**62, 1]}, "buckets of 5411: the sum of transactions is more than"),
        (GOOD, {"log_amounts": [2**63, 1]}, "buckets of 5411: log_amounts must be numbers"),
    ],
)  # fmt: skip
def test_invalid_buckets_are_refused_with_the_cause(base: dict[str, Any], changed: dict[str, Any], words: str) -> None:
    require_valid_buckets(BucketRow(**base))
    row = BucketRow(**{**base, **changed})
    with pytest.raises(StoreError, match=words):
        require_valid_buckets(row)
    key = f"{HISTORY[row.entity]}{row.id}"
    assert RecordDecoder(BucketSettings()).decode(key, encode_record(row)) is UNREADABLE


def test_sums_of_amounts_may_exceed_64_bits() -> None:
    row = BucketRow(**{**GOOD, "amounts": [2**62, 2**62]})
    require_valid_buckets(row)
    assert EntityHistory(row, BucketSettings()).as_of(20 * 3_600_000).amount_minor_1d == float(2**63)


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_without_hours_is_valid_for_every_kind(kind: EntityKind) -> None:
    empty = {name: [] for name in ("hours", "transactions", "frauds", "users_1d", "users_7d")}
    row = BucketRow(entity=kind, id="x", complete_through_ms=0, first_hour=None, **empty)
    require_valid_buckets(row)
    risk = EntityHistory(row, BucketSettings()).as_of(20 * 3_600_000)
    assert (risk.transactions_7d, risk.frauds_reported_7d, risk.amount_minor_1d) == (0, 0.0, 0.0)
    assert len(risk.fraud_rates) == (3 if kind in BROAD_KINDS else 5 if kind == "merchant" else 1)


def test_a_previous_version_can_read_a_row_of_the_present_one() -> None:
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
