"""Look-ups of any combination of parties, with records from the stores and from memory."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest

from tests.core.learners import Learning
from udfs.core._native import EntityHistory
from udfs.entities.buckets import BROAD_KINDS, FOR_EVER_MS, BucketRow, BucketSettings, EntityKind
from udfs.features.feature_set import feature_set_of
from udfs.records.attributes import Attribute
from udfs.records.profiles import DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.stores.port import HISTORY, UNREADABLE, Record
from udfs.stores.record_source import RemoteSource
from udfs.stores.settings import CacheSettings

HOUR, DAY = 3_600_000, 86_400_000
START = 1_767_225_600_000
NOW = START + 100 * HOUR
NOT_KNOWN = None
CACHE = CacheSettings()
ATTRIBUTES = (
    Attribute("branch", "text", "event"),
    Attribute("segment", "text", "profile"),
    Attribute("limit", "number", "event"),
    Attribute("till", "text", "event"),
)
PARTIES: dict[str, tuple[Any, Any]] = {
    "merchant_id": ("M", None), "device_id": ("D", None), "beneficiary_id": ("B", None), "ip_address": ("I", None),
    "email_domain": ("e", None), "channel": ("pos", None),
}  # fmt: skip
FEATURES = {
    "merchant_id": {"merchant_txn_count_1d": 11.0, "merchant_days_known": 40.0},
    "device_id": {"device_txn_count_1d": 12.0, "device_registered_days": 30.0},
    "beneficiary_id": {"beneficiary_txn_count_1d": 13.0},
    "ip_address": {"ip_txn_count_1d": 15.0, "ip_risk_score": 17.0},
    "email_domain": {"email_domain_age_days": 50.0},
    "channel": {"channel_activity_ratio": 7 * 16 / 17},
}
"""Which features tell of a party, and what of it is in the records."""


def history(kind: EntityKind, id: str, transactions: int) -> tuple[str, EntityHistory]:
    """A history of `transactions` transactions two hours ago, and of one three days ago."""
    first = (NOW - 72 * HOUR) // HOUR
    users = [] if kind in BROAD_KINDS else [1, 1]
    row = BucketRow(
        entity=kind, id=id, complete_through_ms=NOW + 90 * DAY, first_hour=first, hours=[first, (NOW - 2 * HOUR) // HOUR],
        transactions=[1, transactions], frauds=[0, 0], users_1d=users, users_7d=users, amounts=[0, 0], reported=[0, 0],
    )  # fmt: skip
    return HISTORY[kind] + id, EntityHistory(row, BucketSettings())


def records() -> dict[str, Record]:
    """Histories with different numbers of transactions."""
    return {
        "user:U": UserProfile(user_id="U", attributes={"segment": "gold"}),
        "merchant:M": MerchantProfile(merchant_id="M", first_seen_at=NOW - 40 * DAY),
        "device:D": DeviceProfile(device_id="D", registered_at=NOW - 30 * DAY),
        "ip:I": IpFeed(ip_address="I", ip_risk_score=17.0),
        "domain:e": DomainFeed(email_domain="e", registered_at=NOW - 50 * DAY),
        **dict([
            history("merchant", "M", 11), history("device", "D", 12), history("beneficiary", "B", 13),
            history("beneficiary", "U", 14), history("ip", "I", 15), history("channel", "pos", 16),
            history("attribute", "branch=b1", 21), history("attribute", "segment=gold", 22),
            history("attribute", "till=4", 23),
        ]),
    }  # fmt: skip


class RecordingStore:
    """Keeps the keys of each look-up; some keys hold what is no record."""

    complete_through_ms = FOR_EVER_MS

    def __init__(self, holds_histories: bool = True, unreadable: Sequence[str] = ()) -> None:
        self.holds_histories = holds_histories
        self.records: dict[str, Any] = {**records(), **dict.fromkeys(unreadable, UNREADABLE)}
        self.asked: list[list[str]] = []

    def get_many(self, keys: Sequence[str]) -> list[Any]:
        self.asked.append(list(keys))
        return [self.records.get(key) for key in keys]


class Payments:
    """A learner over a store; each payment has an id of its own."""

    def __init__(self, store: RecordingStore, attributes: tuple[Attribute, ...] = ()) -> None:
        self.store = store
        self.status = ""
        self._learning = Learning(source=RemoteSource(store, CACHE, lambda: 0), cache=CACHE, attributes=attributes)
        self._names = feature_set_of(attributes).names
        self._number = 0

    def learn(self, **fields: Any) -> dict[str, float | None]:
        """The features of a payment, None for unknown ones; sets `status`."""
        self._number += 1
        payment = {"transaction_id": f"T{self._number}", "user_id": "U", "timestamp": NOW, "amount": 1.0, **fields}
        (outcome,) = self._learning.learn([("U", json.dumps(payment).encode(), None)])
        assert outcome[0] == "transaction"
        self.status = outcome[3]
        (row,) = self._learning.learner.features().tolist()
        known = zip(self._names, row, strict=True)
        return {name: NOT_KNOWN if math.isnan(value) else value for name, value in known}


@pytest.mark.parametrize("given", product((0, 1), repeat=len(PARTIES)), ids=str)
def test_each_value_has_its_name_for_any_combination_of_parties(given: tuple[int, ...]) -> None:
    fields = {name: values[which] for (name, values), which in zip(PARTIES.items(), given, strict=True)}
    payments = Payments(RecordingStore())
    for _ in range(2):  # the second time from memory
        found = payments.learn(**fields)
        assert payments.status == "ok"
        assert found["received_txn_count_1d"] == 14.0
        for party, value in fields.items():
            for name, expected in FEATURES[party].items():
                assert found[name] == (NOT_KNOWN if value is None else pytest.approx(expected)), name
    assert len(payments.store.asked) == 1


def test_attributes_are_looked_up_in_the_order_of_declaration() -> None:
    """Those of the profile in a second look-up, when the profile is known."""
    payments = Payments(RecordingStore(), ATTRIBUTES)
    fields: dict[str, Any] = {"channel": "pos", "attributes": {"branch": "b1", "till": 4.0, "limit": 3.0}}
    first, second = payments.learn(**fields), payments.learn(**fields)
    assert payments.store.asked == [
        [
            "user:U", "history:beneficiary:U", "history:channel:pos", "history:attribute:branch=b1",
            "history:attribute:till=4",
        ],
        ["history:attribute:segment=gold"],
    ]  # fmt: skip
    ratios = {"branch": 7 * 21 / 22, "segment": 7 * 22 / 23, "till": 7 * 23 / 24}
    for found in (first, second):
        for name, ratio in ratios.items():
            assert found[f"attribute_{name}_activity_ratio"] == pytest.approx(ratio)
    bare = payments.learn()
    assert bare["attribute_branch_activity_ratio"] is NOT_KNOWN
    assert bare["attribute_segment_activity_ratio"] == first["attribute_segment_activity_ratio"]


def test_the_keys_of_one_transaction() -> None:
    payments = Payments(RecordingStore())
    payments.learn(merchant_id="M", ip_address="I", channel="pos", merchant_category="5411", card_id="401234-9")
    assert payments.store.asked == [
        [
            "user:U", "history:beneficiary:U", "merchant:M", "history:merchant:M", "ip:I", "history:ip:I",
            "history:category:5411", "history:channel:pos", "history:category_hour:5411|4",
            "history:category_channel:5411|pos", "history:bin:401234",
        ]
    ]  # fmt: skip


def test_missing_histories_are_unknown_in_an_incomplete_store() -> None:
    assert Payments(RecordingStore()).learn(merchant_id="unseen")["merchant_txn_count_1d"] == 0.0
    incomplete = Payments(RecordingStore(holds_histories=False))
    assert incomplete.learn(merchant_id="unseen")["merchant_txn_count_1d"] is NOT_KNOWN
    assert incomplete.status == "ok"


def test_missing_histories_are_unknown_in_a_degraded_look_up() -> None:
    payments = Payments(RecordingStore(unreadable=["ip:I"]))
    found = payments.learn(merchant_id="unseen", ip_address="I")
    assert payments.status == "degraded"
    assert found["merchant_txn_count_1d"] is NOT_KNOWN
    assert found["ip_risk_score"] is NOT_KNOWN
    assert found["received_txn_count_1d"] == 14.0
