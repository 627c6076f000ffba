"""The figures of broad entities are cached for an hour; no feature value depends on the cache."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import pytest

from tests.udfs.engines import Engine
from udfs.core._native import EntityHistory
from udfs.entities.buckets import BucketSettings
from udfs.entities.counter import CountingSettings, EntityAggregator
from udfs.entities.entity_ids import entities_of
from udfs.records.events import Transaction
from udfs.stores.memory import MemoryStore
from udfs.stores.port import HISTORY, Record, Unreadable
from udfs.stores.record_source import RemoteSource
from udfs.stores.settings import CacheSettings

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_767_225_600_000
SETTINGS = BucketSettings()


def payments(draw: random.Random, count: int) -> list[Transaction]:
    """Payments minutes apart, some of them hours late."""
    now, found = START, []
    for number in range(count):
        now += draw.randint(1, 20) * MINUTE
        late = draw.choice([0, 0, 0, 0, 2 * HOUR, 30 * HOUR])
        found.append(
            Transaction(
                transaction_id=f"T{number}", user_id="U1", timestamp=now - late, amount=draw.randint(1, 500) / 4,
                merchant_category=draw.choice(["5411", "6011", None]), channel=draw.choice(["pos", "ecommerce", None]),
                entry_mode=draw.choice(["chip", None]), city=draw.choice(["Bonn", "Rome", None]),
                merchant_country=draw.choice(["DE", None]), card_id=draw.choice(["401234-1", "tok", None]),
            )
        )  # fmt: skip
    return found


def histories_of(transactions: list[Transaction], complete_through_ms: int) -> dict[str, Record]:
    aggregator = EntityAggregator(CountingSettings())
    for transaction in transactions:
        for entity in entities_of(transaction):
            aggregator.add_transaction(entity, "U1", transaction.timestamp, transaction.timestamp, 100, 1_000_000)
            if transaction.transaction_id.endswith("7"):
                moment = transaction.timestamp
                aggregator.add_label(entity, transaction.transaction_id, moment, moment + DAY, True)
    aggregator.newest_ms = complete_through_ms
    return {HISTORY[row.entity] + row.id: EntityHistory(row, SETTINGS) for row in aggregator.rows()}


@pytest.mark.parametrize("complete_days", [0, 3, 400])
@pytest.mark.parametrize("seed", range(3))
def test_no_feature_depends_on_the_cache(seed: int, complete_days: int) -> None:
    transactions = payments(random.Random(seed), 900)
    records = histories_of(transactions, START + complete_days * DAY)
    keeping, forgetting = (Engine(records, holds_histories=True) for _ in range(2))
    for transaction in transactions:
        forgetting.restart()
        kept, read = keeping.pay(transaction), forgetting.pay(transaction)
        assert kept is not None
        assert read is not None
        assert [value.hex() for value in kept.features.values()] == [value.hex() for value in read.features.values()]
        assert kept.stale_history == read.stale_history


class CountingStore(MemoryStore):
    """Records the requested category keys."""

    def __init__(self, records: dict[str, Record]) -> None:
        super().__init__(records, holds_histories=True)
        self.asked: list[str] = []

    def get_many(self, keys: Sequence[str]) -> list[Record | Unreadable | None]:
        self.asked += [key for key in keys if key.startswith("history:category:")]
        return super().get_many(keys)


class Bank:
    """An engine whose cache of records has expired before each payment."""

    def __init__(self, records: dict[str, Record]) -> None:
        self.store = CountingStore(records)
        self._now_ms = 0
        cache = CacheSettings(fresh_ms=1_000, refresh_ahead_ms=0)
        self._engine = Engine(source=RemoteSource(self.store, cache, lambda: self._now_ms), cache=cache)

    def pay(self, minutes: int) -> dict[str, float]:
        self._now_ms += HOUR
        time_ms = START + 10 * HOUR + minutes * MINUTE
        payment = Transaction(
            transaction_id=str(self._now_ms), user_id="U1", timestamp=time_ms, amount=1.0, merchant_category="5411"
        )
        observed = self._engine.pay(payment)
        assert observed is not None
        return observed.features


def test_a_category_is_read_once_per_hour() -> None:
    """10:06 a, 10:59 b: one look-up .. 11:04 c: next hour for labels .. 11:06 d: next hour for activity"""
    for moments, times in (((6, 59), 1), ((6, 59, 64), 2), ((6, 59, 64, 66), 3)):
        bank = Bank({})
        for minutes in moments:
            bank.pay(minutes)
        assert bank.store.asked == ["history:category:5411"] * times


def test_an_earlier_hour_is_not_cached_and_leaves_the_cache_of_the_newest() -> None:
    """06:30 one payment in the category .. 10:06 a .. 05:06 b, before the payment .. 10:07 c"""
    paid = Transaction(
        transaction_id="T", user_id="U2", timestamp=START + 6 * HOUR + 30 * MINUTE, amount=1.0, merchant_category="5411"
    )
    bank = Bank(histories_of([paid], START + 400 * DAY))
    ratios = [bank.pay(minutes)["category_activity_ratio"] for minutes in (6, 6 - 5 * 60, 7)]
    assert ratios == pytest.approx([7.0, math.nan, 7.0], nan_ok=True)
    assert bank.store.asked == ["history:category:5411"] * 2
