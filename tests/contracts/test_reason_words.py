"""Every feature can be told to an analyst: it has words, a concept, and a direction in which it raises a risk."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.contracts.words_check import faults_of
from udfs.core._native import ReasonCatalogue
from udfs.features.catalogue import FEATURES, NAMES
from udfs.features.feature import Feature
from udfs.features.feature_set import FeatureSet, feature_of, find_feature
from udfs.features.words import Words
from udfs.records.attributes import Attribute
from udfs.records.events import Transaction
from udfs.rules.names import POPULATION_NAMES

OWN = FeatureSet(
    (
        Attribute(name="card_type", kind="text", holder="event"),
        Attribute(name="city_population", kind="number", holder="profile"),
    )
).features[len(FEATURES) :]
CATALOGUE = ReasonCatalogue([])
CONCEPTS = {feature.signal.concept for feature in FEATURES}
named = pytest.mark.parametrize("feature", [*FEATURES, *OWN], ids=lambda feature: str(feature.name))


@named
def test_every_feature_has_words_for_any_value_a_concept_and_a_direction(feature: Feature) -> None:
    assert faults_of(feature, NAMES, CONCEPTS) == []


PLANTED: list[tuple[str, str, dict[str, Any]]] = [
    ("amount_vs_user_avg", "no words", {"raised": ""}),
    ("amount_vs_user_avg", "the value does not stand once in the words", {"raised": "amount far above the mean"}),
    ("amount_vs_user_avg", "the value does not stand once in the words", {"lowered": "{} and {}"}),
    ("amount_vs_user_avg", "no words for the lowered state", {"lowered": ""}),
    ("amount_vs_user_avg", "two states have the same words", {"lowered": "amount {} this user's mean"}),
    ("amount_vs_user_avg", "a value that is not known is told", {"unknown": "{} earlier payments"}),
    ("txn_count_5m", "not plain: '{} txn_count'", {"raised": "{} txn_count"}),
    ("txn_count_5m", "more than one: '1 large payments'", {"raised": "{} large payments"}),
    ("is_new_device", "no words for the lowered state", {"lowered": ""}),
    ("is_new_device", "the form number for the unit flag", {"form": "number", "raised": "device {}"}),
    ("is_new_city", "named by town, which no transaction has", {"field": "town"}),
    ("txn_count_5m", "no concept", {"concept": ""}),
    ("txn_count_5m", "a number is risky where it is true", {"direction": "true"}),
    ("is_new_device", "a flag is risky where it is high", {"direction": "high"}),
    ("txn_count_5m", "clearly high before it is high", {"clear": 1.0}),
    ("account_age_days", "clearly low before it is low", {"certain": 100.0}),
    ("speed_kmh", "needs km, which is no feature", {"needs": "km"}),
    ("km_from_last", "joins nothing, which no feature is about", {"joins": "nothing"}),
    ("is_atm_channel", "read from chanel", {"read_from": "chanel"}),
]


@pytest.mark.parametrize(("name", "fault", "change"), PLANTED)
def test_the_check_of_words_finds_planted_errors(name: str, fault: str, change: dict[str, Any]) -> None:
    feature = feature_of(name)
    own = {key: value for key, value in change.items() if key in Words.__struct_fields__}
    of_signal = {key: value for key, value in change.items() if key not in own}
    planted = msgspec.structs.replace(
        feature,
        words=msgspec.structs.replace(feature.words, **own),
        signal=msgspec.structs.replace(feature.signal, **of_signal),
    )
    assert fault in faults_of(planted, NAMES, CONCEPTS)


def test_a_feature_without_words_or_signal_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="words"):
        Feature("extra", "number", "an extra one")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="signal"):
        Feature("extra", "number", "an extra one", Words("number", "extra {}"))  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("name", "value", "is_low", "text"),
    [
        ("amount_vs_user_avg", 8.4, False, "amount 8.4x this user's mean"),
        ("amount_vs_user_avg", 0.02, True, "amount only 0.02x this user's mean"),
        ("amount_zscore", -2.5, True, "amount -2.5 standard deviations from this user's mean"),
        ("txn_count_1h", 1.0, False, "1 payment in 1 hour"),
        ("distinct_countries_1d", 3.0, False, "payments in 3 countries in 1 day"),
        ("amount_sum_5m", 1234.5, False, "1,234.50 EUR spent in 5 minutes"),
        ("used_otp", 0.0, False, "without one-time password"),
        ("used_otp", 1.0, False, "one-time password used"),
        ("is_new_device", 1.0, False, "first payment on this device"),
        ("is_new_device", 0.0, False, "a device known for this user"),
        ("merchant_fraud_rate_1d", 0.042, False, "fraud rate of this merchant 4.2 % in 1 day"),
        ("category_hour_fraud_rate_30d", 0.5, False, "fraud rate of this merchant category at this hour 50 % in 30 days"),
        ("ip_user_count_7d", 6.0, False, "6 users of this IP address in 7 days"),
        ("device_days_known", float("nan"), False, "no earlier payment of this user on this device"),
        ("attribute_card_type_activity_ratio", 3.0, False, "3.0x the usual payments with this card type in the last day"),
        ("attribute_city_population", 7.0, True, "city population only 7"),
    ],
)  # fmt: skip
def test_values_in_words(name: str, value: float, is_low: bool, text: str) -> None:
    assert feature_of(name).in_words(value, "EUR", is_low) == text


def test_a_banks_own_attributes_have_concepts_of_their_own() -> None:
    assert {feature.signal.concept for feature in OWN} == {
        "attribute_card_type_risk", "attribute_card_type_activity", "attribute_city_population",
    }  # fmt: skip
    for feature in OWN:
        assert (feature_of(feature.name).words, feature_of(feature.name).signal) == (feature.words, feature.signal)


def test_an_unknown_name_is_no_feature_and_has_no_concept() -> None:
    assert find_feature("nothing") is None
    assert CATALOGUE.concept_of("nothing") is None
    with pytest.raises(KeyError, match="nothing"):
        feature_of("nothing")


FIELDS = {
    "merchant_id": "merchant", "merchant_category": "way_of_payment", "channel": "way_of_payment",
    "merchant_country": "merchant_country", "entry_mode": "entry_mode", "device_id": "device", "ip_address": "ip",
    "city": "place", "country": "place", "latitude": "place", "longitude": "place", "beneficiary_id": "beneficiary",
    "email_domain": "email_domain", "otp_used": "authentication", "kind": "refunds", "auth_result": "declines",
    "original_amount": "amount", "timestamp": "time_of_day", "population_amount_p95": "amount",
    "population_km_from_home_p90": "place", "city_fraud_rate": "city_risk",
}  # fmt: skip


def test_a_rules_names_have_the_concepts_of_features() -> None:
    of_no_feature = {*Transaction.__struct_fields__, "original_amount", *POPULATION_NAMES}
    concepts = {name: CATALOGUE.concept_of(name) for name in of_no_feature - set(NAMES)}
    assert {name: concept for name, concept in concepts.items() if concept is not None} == FIELDS
    assert set(FIELDS.values()) <= CONCEPTS
    for feature in FEATURES:
        assert CATALOGUE.concept_of(feature.name) == feature.signal.concept


def test_flags_are_found_by_the_field_that_they_are_read_from() -> None:
    assert CATALOGUE.flags_of("merchant_category") == ["is_cash_category", "is_high_risk_category"]
    assert CATALOGUE.flags_of("entry_mode") == ["is_manual_entry", "is_magstripe_entry"]
    assert CATALOGUE.flags_of("amount") == []
