"""Categories' figures are kept for an hour: no feature may depend on that."""

from __future__ import annotations

import random

import pytest

from tests.udfs.engines import engine_over, logs_of
from udfs.broad_risks import BroadFigures, BroadRisks
from udfs.entities import entities_of
from udfs.entity_buckets import BucketSettings
from udfs.entity_counter import CountingSettings, EntityAggregator
from udfs.entity_history import EntityHistory
from udfs.entity_risk import EntityRisk
from udfs.events import Transaction
from udfs.stores.memory import MemoryStore
from udfs.stores.port import HISTORY, Record

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
START = 1_767_225_600_000
SETTINGS = BucketSettings()


def payments(draw: random.Random, count: int) -> list[Transaction]:
    """Minutes apart, now and then one that is hours late."""
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
def test_no_feature_depends_on_what_was_read_before_within_the_hour(seed: int, complete_days: int) -> None:
    transactions = payments(random.Random(seed), 900)
    records = histories_of(transactions, START + complete_days * DAY)
    keeping = engine_over(logs_of("U1"), records=records, holds_histories=True)
    forgetting = engine_over(logs_of("U1"), records=records, holds_histories=True)
    for transaction in transactions:
        forgetting._broad_risks = BroadRisks(SETTINGS)
        kept, read = keeping.observe(transaction), forgetting.observe(transaction)
        assert kept is not None
        assert read is not None
        assert [value.hex() for value in kept.features.values()] == [value.hex() for value in read.features.values()]
        assert kept.context.stale_history == read.context.stale_history
        keeping.commit(kept)
        forgetting.commit(read)


class CountingStore(MemoryStore):
    """Counts the keys that it is asked for."""

    asked: list[str]

    def lookup(self, keys):  # type: ignore[no-untyped-def]
        self.asked += [key for key in keys if "history:c" in key]
        return super().lookup(keys)


def test_a_category_is_asked_for_once_an_hour_and_again_in_the_next() -> None:
    """10:06 a, 10:59 b: one look-up .. 11:04 c: labels of another hour .. 11:06 d: activity of another hour"""
    for moments, times in (((6, 59), 1), ((6, 59, 64), 2), ((6, 59, 64, 66), 3)):
        store = CountingStore(histories_of([], 0), holds_histories=True)
        store.asked = []
        engine = engine_over(logs_of("U1"))
        engine.enrichment = store
        for minutes in moments:
            moment = START + 10 * HOUR + minutes * MINUTE
            payment = Transaction(
                transaction_id=str(minutes), user_id="U1", timestamp=moment, amount=1.0, merchant_category="5411"
            )
            assert engine.observe(payment) is not None
        assert store.asked.count("history:category:5411") == times


def test_an_earlier_hour_is_not_kept_and_leaves_the_newest_as_it_is() -> None:
    risks = BroadRisks(SETTINGS)
    newest = risks.at(START + 10 * HOUR)
    assert newest is not None
    newest[0]["5411"] = BroadFigures(EntityRisk((0.1, 0.2, 0.3), 6, 21, 0, 0, None, False))
    assert risks.at(START + 5 * HOUR) is None
    again = risks.at(START + 10 * HOUR)
    assert again is not None
    assert again[0]["5411"].values == (0.1, 0.2, 0.3, 2.0)
