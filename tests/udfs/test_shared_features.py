"""Features of devices, beneficiaries and IP addresses: who else has used them."""

from __future__ import annotations

import math

import pytest

from tests.udfs.engines import engine_over, logs_of
from udfs.entity_buckets import KINDS, BucketSettings, Entity
from udfs.entity_counter import CountingSettings, EntityAggregator
from udfs.entity_history import EntityHistory
from udfs.events import Transaction
from udfs.features.shared import FEATURES
from udfs.stores.port import HISTORY, Record

HOUR, DAY = 3_600_000, 86_400_000
START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
NOW = START + 8 * DAY
PAYMENT = Transaction(
    transaction_id="T", user_id="U1", timestamp=NOW, amount=1.0, merchant_id="X", device_id="X", beneficiary_id="X",
    ip_address="X",
)  # fmt: skip


def records(complete_through_ms: int) -> dict[str, Record]:
    """X of each kind: 3 users 8 days ago, one of them a fraud known the next day; 2 of them an hour or two ago, with 3
    payments; a beneficiary has one of those more."""
    aggregator = EntityAggregator(CountingSettings())
    for kind in KINDS:
        entity = Entity(kind, "X")
        for number, user in enumerate("abc"):
            aggregator.add_transaction(entity, user, START + number, START + number, amount_minor=100)
        aggregator.add_label(entity, "a\0t", START, START + DAY, True)
        for user, hours in (("a", 3), ("a", 2), ("b", 2)) + ((("a", 2),) if kind == "beneficiary" else ()):
            aggregator.add_transaction(entity, user, NOW - hours * HOUR, NOW - hours * HOUR, amount_minor=100)
    aggregator.newest_ms = complete_through_ms
    return {HISTORY[row.entity] + row.id: EntityHistory(row, BucketSettings()) for row in aggregator.rows()}


def test_each_kind_has_its_own_users_transactions_and_smoothed_fraud_rate() -> None:
    observation = engine_over(logs_of("U1"), records=records(NOW)).observe(PAYMENT)
    assert observation is not None
    assert not observation.context.stale_history
    found = {feature.name: observation.features[feature.name] for feature in FEATURES}
    rate = pytest.approx((1 + 5 * 0.01) / (3 + 5))
    assert found == {
        "device_user_count_1d": 2, "device_user_count_7d": 2, "device_txn_count_1d": 3, "device_fraud_rate_30d": rate,
        "beneficiary_user_count_1d": 2, "beneficiary_user_count_7d": 2, "beneficiary_txn_count_1d": 4,
        "beneficiary_fraud_rate_30d": rate,
        "ip_user_count_1d": 2, "ip_user_count_7d": 2, "ip_txn_count_1d": 3, "ip_fraud_rate_30d": rate,
        **{f"{kind}_frauds_reported_7d": 1.0 for kind in ("device", "beneficiary", "ip")},
    }  # fmt: skip
    assert observation.features["merchant_user_count_1d"] == 2


def test_a_complete_store_knows_that_a_new_device_has_no_history_and_an_incomplete_one_knows_nothing() -> None:
    for complete, expected in ((True, (0.0, 0.0, 0.0, math.nan, 0.0)), (False, (math.nan,) * 5)):
        observation = engine_over(logs_of("U1"), holds_histories=complete).observe(PAYMENT)
        assert observation is not None
        values = tuple(observation.features[feature.name] for feature in FEATURES[:5])
        assert repr(values) == repr(expected)


def test_without_the_ids_nothing_is_known_of_them_and_nothing_is_stale() -> None:
    bare = Transaction(transaction_id="T", user_id="U1", timestamp=NOW, amount=1.0)
    observation = engine_over(logs_of("U1"), records=records(START), holds_histories=True).observe(bare)
    assert observation is not None
    assert all(math.isnan(observation.features[feature.name]) for feature in FEATURES)
    assert not observation.context.stale_history


@pytest.mark.parametrize("field", ["merchant_id", "device_id", "beneficiary_id", "ip_address"])
def test_a_stale_history_of_any_kind_is_told(field: str) -> None:
    payment = Transaction(transaction_id="T", user_id="U1", timestamp=NOW, amount=1.0, **{field: "X"})  # type: ignore[arg-type]
    observation = engine_over(logs_of("U1"), records=records(NOW - 2 * HOUR)).observe(payment)
    assert observation is not None
    assert observation.context.stale_history
