"""Entity state and stored rows of every earlier version are readable, and a restart restores the same counts."""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.golden.make import SEEN, entity_counts, entity_row
from udfs.core._native import EntityHistory
from udfs.entities.buckets import BucketRow, BucketSettings, Entity, EntityKind
from udfs.entities.counter import CountingSettings, EntityCounter, EntityCounts
from udfs.entities.deltas import (
    Delta,
    FraudDelta,
    LabelDelta,
    SeenTransaction,
    TransactionDelta,
    TransactionDeltaV1,
    apply_delta,
    decode_delta,
    decode_seen,
    encode_delta,
)
from udfs.entities.log import StoredCounts, decode_snapshot, encode_snapshot
from udfs.stores.encoding import require_valid_buckets
from udfs.stores.port import CompleteThrough

GOLDEN = Path(__file__).parents[2] / "golden"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_767_225_600_000


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.bin").read_bytes()


def test_every_layout_of_the_jobs_state_is_decoded() -> None:
    assert decode_delta(golden("entity_delta_1_paid")) == TransactionDeltaV1("U1", START, START + MINUTE)
    assert decode_delta(golden("entity_delta_2_judged")) == LabelDelta("U1\0T1", START, START + DAY, True)
    assert decode_delta(golden("entity_delta_3_paid")) == TransactionDelta(
        "U1", START, START + MINUTE, 10**16, 32_236_191
    )
    assert decode_delta(golden("entity_delta_4_fraud")) == FraudDelta(START, START + DAY, None)
    assert decode_delta(golden("entity_delta_4_cleared")) == FraudDelta(START, START + 9 * DAY, (START, START + DAY))
    assert decode_seen(golden("entity_seen_1")) == SeenTransaction(
        START, (Entity("merchant", "M1"), Entity("ip", "::1 (nat)"))
    )
    assert decode_seen(golden("entity_seen_2")) == SEEN
    assert decode_snapshot(golden("entity_snapshot_2")) == entity_counts()
    assert msgspec.msgpack.decode(golden("complete_through_1"), type=CompleteThrough) == CompleteThrough(2, START)


def test_a_format_1_snapshot_has_figures_from_a_later_hour_on() -> None:
    """The golden snapshot was written from the same events; its newest label was known on day 69."""
    old, whole = decode_snapshot(golden("entity_snapshot_1")), entity_counts()
    assert {hour: values for hour, values in old.hours.items() if any(values)} == {
        hour: [*values[:4], 0, 0, 0, 0] for hour, values in whole.hours.items() if any(values[:4])
    }
    assert old.labels == {key: (known_ms, hour, None) for key, (known_ms, hour, _) in whole.labels.items()}
    for name in ("newest_ms", "first_hour", "tidied_day", "merged_before", "dropped_before", "users", "withdrawn"):
        assert getattr(old, name) == getattr(whole, name), name
    first_whole = (START + 69 * DAY) // HOUR + 1
    assert old.figures_from_hour == first_whole
    counter = EntityCounter(CountingSettings(reader_lag_ms=DAY))
    cleared = next(key for key, (_, hour, _) in old.labels.items() if hour is not None)
    counter.add_label(old, cleared, START + 57 * DAY, START + 70 * DAY, False)  # counted by the earlier version
    time_ms = (first_whole + 1) * HOUR
    counter.add_transaction(old, "device", "U1", time_ms, time_ms, 5_000)
    counter.add_label(old, "new", time_ms, time_ms, True)
    read = EntityHistory(counter.row(Entity("device", "D1"), old, time_ms), BucketSettings())
    for hours, amount, reported in ((23, None, None), (24, 5_000, None), (167, 0, None), (168, 0, 1), (171, 0, 0)):
        risk = read.as_of((first_whole + hours) * HOUR + 5 * MINUTE)
        found = (risk.amount_minor_1d, risk.frauds_reported_7d)
        assert [None if math.isnan(number) else number for number in found] == [amount, reported], hours


def test_a_row_of_the_previous_version_is_readable() -> None:
    row = msgspec.msgpack.decode(golden("entity_row_1"), type=BucketRow)
    require_valid_buckets(row)
    risk = EntityHistory(row, BucketSettings()).as_of(START + 60 * DAY)
    assert (row.entity, row.id, row.first_hour) == ("device", "D1", (START + 5 * HOUR) // HOUR)
    assert (risk.transactions_1d, risk.transactions_7d, risk.users_1d, risk.users_7d) == (1, 7, 1, 7)
    assert risk.fraud_rates == (pytest.approx((10 + 0.05) / (30 + 5)),)  # days 23 to 52
    assert all(math.isnan(number) for number in (risk.amount_minor_1d, risk.frauds_reported_7d, risk.log_amount_mean))


def test_a_row_of_the_present_version_has_amounts_and_reports() -> None:
    device = msgspec.msgpack.decode(golden("entity_row_2_device"), type=BucketRow)
    assert device == entity_row(Entity("device", "D1"))
    risk = EntityHistory(device, BucketSettings()).as_of(START + 60 * DAY)
    assert (risk.transactions_1d, risk.transactions_7d, risk.users_1d, risk.users_7d) == (1, 7, 1, 7)
    assert (risk.amount_minor_1d, risk.frauds_reported_7d) == (59_000.0, 2.0)  # known on days 55 and 58
    category = msgspec.msgpack.decode(golden("entity_row_2_category"), type=BucketRow)
    assert category == entity_row(Entity("category", "5411"))
    risk = EntityHistory(category, BucketSettings()).as_of(START + 60 * DAY)
    logarithms = [day / 10 for day in range(29, 60)]  # from a midnight on
    assert risk.log_amount_mean == pytest.approx(statistics.fmean(logarithms))
    assert risk.log_amount_deviation == pytest.approx(statistics.pstdev(logarithms))
    assert (risk.amount_minor_1d, risk.users_7d, len(risk.fraud_rates)) == (59_000.0, 0, 3)


def test_a_snapshot_of_a_newer_format_is_refused() -> None:
    data = msgspec.msgpack.encode([3, EntityCounts()])
    with pytest.raises(ValueError, match="format 3 is not supported; this version reads formats 1 to 2"):
        decode_snapshot(data)


class MemoryLog:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes | None, list[bytes]]] = {}
        self.key = ""

    def set_current_key(self, key: str) -> None:
        self.key = key

    def snapshot(self) -> bytes | None:
        return self.kept.get(self.key, (None, []))[0]

    def entries(self) -> list[bytes]:
        return self.kept.get(self.key, (None, []))[1]

    def append(self, entry: bytes) -> None:
        self.kept[self.key] = (self.snapshot(), [*self.entries(), entry])

    def replace(self, snapshot: bytes) -> None:
        self.kept[self.key] = (snapshot, [])


@pytest.mark.parametrize("kind", ["merchant", "category", "city"])
@pytest.mark.parametrize("seed", [1, 2])
def test_evictions_and_restarts_at_any_point_give_the_same_counts(seed: int, kind: EntityKind) -> None:
    draw = Random(seed)
    counter = EntityCounter(CountingSettings(reader_lag_ms=DAY))
    log = MemoryLog()
    stored = StoredCounts(log, counter, cached_entities=2)
    direct = {name: EntityCounts() for name in "abcd"}
    for number in range(1_500):
        name = draw.choice("aaaaabcd")
        log.set_current_key(name)
        now = START + number * HOUR
        time = now - draw.choice([0, 0, MINUTE, 3 * HOUR])
        delta: Delta = TransactionDelta(
            f"u{draw.randrange(50)}", time, now, draw.randrange(9_999), draw.randrange(9_999_999)
        )
        if draw.random() < 0.3:
            delta = LabelDelta(f"t{draw.randrange(number + 1)}", now - DAY, now, draw.random() < 0.5)
        elif draw.random() < 0.2:
            delta = FraudDelta(now - 2 * DAY, now, draw.choice([None, (now - 2 * DAY, now - DAY)]))
        elif draw.random() < 0.1:
            delta = TransactionDeltaV1("u1", time, now)
        if draw.random() < 0.02:
            stored = StoredCounts(log, counter, cached_entities=2)
        counts = stored.add(Entity(kind, name), encode_delta(delta))
        apply_delta(counter, kind, direct[name], delta)
        assert counts == direct[name]
    assert all(len(entries) * 4 <= 1_200 for _, entries in log.kept.values())
    assert log.kept["a"][0] is not None
    assert decode_snapshot(encode_snapshot(direct["a"])) == direct["a"]
