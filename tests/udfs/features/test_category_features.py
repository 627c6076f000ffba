"""Features of categories, custom attributes and received money, against numbers computed by hand."""

from __future__ import annotations

from math import exp, isnan, log, sqrt

import pytest

from tests.udfs.engines import Engine
from udfs.core._native import EntityHistory
from udfs.entities.buckets import BROAD_KINDS, BucketRow, BucketSettings, Entity
from udfs.records.attributes import Attribute
from udfs.records.events import Transaction
from udfs.stores.port import HISTORY, Record

HOUR, DAY = 3_600_000, 86_400_000
START = 1_767_225_600_000
NOW = START + 9 * DAY
ATTRIBUTES = (Attribute("card_type", "text", "event"), Attribute("points", "number", "event"))
PAYMENT = Transaction(
    transaction_id="T", user_id="U1", timestamp=NOW, amount=12.5, merchant_category="5411", channel="pos",
    attributes={"card_type": "gold", "points": 7.0},
)  # fmt: skip


def history(kind: str, name: str) -> tuple[str, Record]:
    """30 transactions 9 days ago, one of them a fraud; 30 of 5.00 in all one day ago, one fraud became known then."""
    entity = Entity(kind, name)  # type: ignore[arg-type]
    users = [] if entity.kind in BROAD_KINDS else [1, 1]
    logarithms = [30_000_000, 60_000_000] if kind == "category" else []
    row = BucketRow(
        entity=entity.kind, id=name, complete_through_ms=NOW + DAY, first_hour=START // HOUR,
        hours=[START // HOUR, START // HOUR + 8 * 24], transactions=[30, 30], frauds=[1, 0], users_1d=users, users_7d=users,
        amounts=[500, 500], log_amounts=logarithms, log_amount_squares=[2 * value for value in logarithms], reported=[0, 1],
    )  # fmt: skip
    return HISTORY[entity.kind] + name, EntityHistory(row, BucketSettings())


def observed(records: dict[str, Record], payment: Transaction = PAYMENT) -> dict[str, float]:
    observation = Engine(records, attributes=ATTRIBUTES).pay(payment)
    assert observation is not None
    return observation.features


@pytest.mark.parametrize(
    ("kind", "name", "prefix"),
    [
        ("category", "5411", "category"),
        ("channel", "pos", "channel"),
        ("category_hour", "5411|0", "category_hour"),
        ("category_channel", "5411|pos", "category_channel"),
        ("attribute", "card_type=gold", "attribute_card_type"),
    ],
)
def test_category_rates_are_smoothed_and_activity_is_of_the_last_day(kind: str, name: str, prefix: str) -> None:
    """day 0: 30, one a fraud .... day 2: labels until here count .... day 8: 30 more .. day 9: now"""
    features = observed(dict([history(kind, name)]))
    for days in (7, 30, 90):
        assert features[f"{prefix}_fraud_rate_{days}d"] == pytest.approx((1 + 5 * 0.01) / (30 + 5))
    assert features[f"{prefix}_activity_ratio"] == 7 * 30 / 30


def test_an_amount_is_compared_with_log_amounts_of_its_category() -> None:
    features = observed(dict([history("category", "5411")]))
    mean, deviation = 90 / 60, sqrt(180 / 60 - (90 / 60) ** 2)
    assert features["amount_vs_category_mean"] == pytest.approx(12.5 / exp(mean))
    assert features["amount_category_zscore"] == pytest.approx((log(13.5) - mean) / deviation)


def test_a_number_attribute_is_passed_through_and_nan_if_absent() -> None:
    assert observed({})["attribute_points"] == 7.0
    bare = Transaction(transaction_id="T", user_id="U1", timestamp=NOW, amount=1.0, attributes={"points": "many"})
    features = observed({}, bare)
    assert isnan(features["attribute_points"])
    assert isnan(features["attribute_card_type_fraud_rate_30d"])


def test_amounts_are_compared_with_money_received_by_the_user() -> None:
    features = observed(dict([history("beneficiary", "U1")]))
    assert features["received_txn_count_1d"] == 30
    assert features["amount_vs_received_1d"] == 12.50 / 5.00
    assert isnan(observed({})["received_txn_count_1d"])


def test_refunds_are_compared_with_purchases_at_the_merchant() -> None:
    """10.00 and 20.00 paid to M, 5.00 refunded, then 40.00: 45.00 of 30.00"""
    engine = Engine()
    found = []
    for number, (merchant, kind, amount) in enumerate(
        [
            ("M", "purchase", 10.0),
            ("M", "purchase", 20.0),
            ("N", "purchase", 7.0),
            ("M", "refund", 5.0),
            ("M", "refund", 40.0),
        ]
    ):
        observation = engine.pay(
            Transaction(
                transaction_id=f"T{number}", user_id="U1", timestamp=NOW + number, amount=amount, merchant_id=merchant,
                kind=kind,  # type: ignore[arg-type]
            )
        )  # fmt: skip
        assert observation is not None
        found.append(
            (observation.features["refund_vs_purchases_at_merchant"], observation.features["refund_count_at_merchant"])
        )
    assert found[3:] == [(5 / 30, 1.0), (45 / 30, 2.0)]
    assert all(isnan(value) for pair in found[:3] for value in pair)
