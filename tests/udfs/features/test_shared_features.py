"""Features of the entity history of devices, beneficiaries and IP addresses."""

from __future__ import annotations

import math

import pytest

from tests.udfs.engines import Engine
from udfs.core._native import EntityHistory
from udfs.entities.buckets import KINDS, BucketSettings, Entity
from udfs.entities.counter import CountingSettings, EntityAggregator
from udfs.features.catalogue import FAMILIES
from udfs.records.events import Transaction
from udfs.stores.port import HISTORY, Record

FEATURES = FAMILIES["shared"]
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


def test_each_entity_kind_has_its_own_counts_and_smoothed_fraud_rate() -> None:
    observation = Engine(records(NOW)).pay(PAYMENT)
    assert observation is not None
    assert not observation.stale_history
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


def test_a_new_device_has_zero_counts_only_in_a_complete_store() -> None:
    for complete, expected in ((True, (0.0, 0.0, 0.0, math.nan, 0.0)), (False, (math.nan,) * 5)):
        observation = Engine(holds_histories=complete).pay(PAYMENT)
        assert observation is not None
        values = tuple(observation.features[feature.name] for feature in FEATURES[:5])
        assert repr(values) == repr(expected)


def test_without_ids_features_are_nan_and_histories_not_stale() -> None:
    bare = Transaction(transaction_id="T", user_id="U1", timestamp=NOW, amount=1.0)
    observation = Engine(records(START), holds_histories=True).pay(bare)
    assert observation is not None
    assert all(math.isnan(observation.features[feature.name]) for feature in FEATURES)
    assert not observation.stale_history


@pytest.mark.parametrize("field", ["merchant_id", "device_id", "beneficiary_id", "ip_address"])
def test_a_stale_history_of_any_kind_is_reported(field: str) -> None:
    payment = Transaction(transaction_id="T", user_id="U1", timestamp=NOW, amount=1.0, **{field: "X"})  # type: ignore[arg-type]
    observation = Engine(records(NOW - 2 * HOUR)).pay(payment)
    assert observation is not None
    assert observation.stale_history
