"""Bytes that entities' state and the store were written with must be read for ever; and what a restart brings back."""

from __future__ import annotations

from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.golden.make import entity_counts
from udfs.entity_buckets import BucketRow, BucketSettings, Entity
from udfs.entity_counter import CountingSettings, EntityCounter, EntityCounts
from udfs.entity_deltas import Delta, Judged, Paid, SeenTransaction, decode_delta, decode_seen, encode_delta
from udfs.entity_history import EntityHistory
from udfs.entity_log import StoredCounts, decode_snapshot, encode_snapshot
from udfs.stores.port import CompleteThrough

GOLDEN = Path(__file__).parents[1] / "golden"
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_767_225_600_000


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.bin").read_bytes()


def test_every_layout_of_the_jobs_state_is_read_as_it_was_written() -> None:
    assert decode_delta(golden("entity_delta_1_paid")) == Paid("U1", START, START + MINUTE)
    assert decode_delta(golden("entity_delta_2_judged")) == Judged("U1\0T1", START, START + DAY, True)
    assert decode_seen(golden("entity_seen_1")) == SeenTransaction(
        START, (Entity("merchant", "M1"), Entity("ip", "::1 (nat)"))
    )
    assert decode_snapshot(golden("entity_snapshot_1")) == entity_counts()
    assert msgspec.msgpack.decode(golden("complete_through_1"), type=CompleteThrough) == CompleteThrough(2, START)


def test_a_stored_row_reads_as_it_did() -> None:
    row = msgspec.msgpack.decode(golden("entity_row_1"), type=BucketRow)
    risk = EntityHistory(row, BucketSettings()).as_of(START + 60 * DAY)
    assert (row.entity, row.id, row.first_hour) == ("device", "D1", (START + 5 * HOUR) // HOUR)
    assert (risk.transactions_1d, risk.transactions_7d, risk.users_1d, risk.users_7d) == (1, 7, 1, 7)
    assert risk.fraud_rates == (pytest.approx((10 + 0.05) / (30 + 5)),)  # days 23 to 52


def test_a_snapshot_of_a_later_program_is_refused_by_its_number() -> None:
    data = msgspec.msgpack.encode([2, EntityCounts()])
    with pytest.raises(ValueError, match="format 2; this program knows 1"):
        decode_snapshot(data)


class MemoryLog:
    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes | None, list[bytes]]] = {}
        self.key = ""

    def snapshot(self) -> bytes | None:
        return self.kept.get(self.key, (None, []))[0]

    def entries(self) -> list[bytes]:
        return self.kept.get(self.key, (None, []))[1]

    def append(self, entry: bytes) -> None:
        self.kept[self.key] = (self.snapshot(), [*self.entries(), entry])

    def replace(self, snapshot: bytes) -> None:
        self.kept[self.key] = (snapshot, [])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_evictions_and_restarts_at_any_point_give_the_same_counts(seed: int) -> None:
    draw = Random(seed)
    counter = EntityCounter(CountingSettings(reader_lag_ms=DAY))
    log = MemoryLog()
    stored = StoredCounts(log, counter, cached_entities=2)
    direct = {name: EntityCounts() for name in "abcd"}
    for number in range(1_500):
        name = draw.choice("aaaaabcd")
        log.key = name
        now = START + number * HOUR
        delta: Delta = Paid(f"u{draw.randrange(50)}", now - draw.choice([0, 0, MINUTE, 3 * HOUR]), now)
        if draw.random() < 0.3:
            delta = Judged(f"t{draw.randrange(number + 1)}", now - DAY, now, draw.random() < 0.5)
        if draw.random() < 0.02:
            stored = StoredCounts(log, counter, cached_entities=2)
        counts = stored.add(Entity("merchant", name), encode_delta(delta))
        if isinstance(delta, Paid):
            counter.add_transaction(direct[name], delta.user_id, delta.time_ms, delta.arrived_at_ms)
        else:
            counter.add_label(direct[name], delta.transaction, delta.time_ms, delta.known_at_ms, delta.is_fraud)
        assert counts == direct[name]
    assert all(len(entries) * 4 <= 1_200 for _, entries in log.kept.values())
    assert log.kept["a"][0] is not None
    assert decode_snapshot(encode_snapshot(direct["a"])) == direct["a"]
