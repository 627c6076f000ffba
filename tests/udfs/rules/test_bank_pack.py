"""The shipped bank pack compared with the requirements' table, just inside and just outside each limit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.udfs.rules.conditions import NAN, transaction
from udfs.core._native import scale_scores
from udfs.features.catalogue import NAMES
from udfs.rules.names import POPULATION_NAMES
from udfs.rules.pack_files import shipped_pack
from udfs.rules.rulebook import Rulebook, rule_problems

BANK = Rulebook.of(shipped_pack("bank"), NAMES)
FIGURES = {
    "population_amount_p95": 800.0, "population_km_from_home_p90": 60.0, "population_fraud_rate": 0.01,
    "city_fraud_rate": 0.01,
}  # fmt: skip
# One case per entry: the known values of the transaction, and its points by rule.
CASES: list[tuple[dict[str, Any], dict[str, int]]] = [
    ({"monthly_spend_share": 0.1}, {}),
    ({"monthly_spend_share": 0.11}, {"monthly_spend_share": 25}),
    ({"amount_vs_user_avg": 1.5}, {}),
    ({"amount_vs_user_avg": 1.51}, {"amount_over_1_5x_average": 5}),
    ({"amount_vs_user_avg": 2.0}, {"amount_over_1_5x_average": 5}),
    ({"amount_vs_user_avg": 2.01}, {"amount_over_2x_average": 15}),
    ({"amount_vs_user_avg": 5.0}, {"amount_over_2x_average": 15}),
    ({"amount_vs_user_avg": 5.01}, {"amount_over_5x_average": 25}),
    ({"amount": 900.0}, {}),
    ({"amount": 1000.0}, {"round_hundreds": 10}),
    ({"amount": 1000.01}, {}),
    ({"amount": 1050.0}, {}),
    ({"amount": 4000.0}, {"round_hundreds": 10}),
    ({"amount": 5000.0}, {"round_thousands": 15}),
    ({"amount": 5100.0}, {"round_hundreds": 10}),
    ({"amount": 49_499.99}, {}),
    ({"amount": 49_500.01}, {"below_reporting_threshold": 15}),
    ({"amount": 49_500.0}, {"below_reporting_threshold": 15, "round_hundreds": 10}),
    ({"amount": 49_999.99}, {"below_reporting_threshold": 15}),
    ({"amount": 50_000.0}, {"round_thousands": 15}),
    ({"amount": 199_500.5}, {"below_reporting_threshold": 15}),
    ({"amount": 199_499.5}, {}),
    ({"amount": 999_999.99}, {"below_reporting_threshold": 15}),
    ({"amount": 999_499.99}, {}),
    ({"amount": 1_000_000.0}, {"round_thousands": 15}),
    ({"is_new_device": 1.0}, {"new_device": 15}),
    ({"is_new_device": 0.0}, {}),
    ({"device_changed_in_session": 1.0}, {"device_changed_in_session": 25}),
    ({"hour_local": 5.0}, {"unusual_hour": 20}),
    ({"hour_local": 6.0}, {}),
    ({"hour_local": 22.0}, {}),
    ({"hour_local": 23.0}, {"unusual_hour": 20}),
    ({"txn_count_1h": 3.0}, {}),
    ({"txn_count_1h": 4.0}, {"busy_hour": 30, "high_frequency": 25}),
    ({"txn_count_1h": 1.0, "txn_count_1d": 10.0}, {}),
    ({"txn_count_1h": 1.0, "txn_count_1d": 11.0}, {"high_frequency": 25}),
    ({"km_from_home": 500.0}, {}),
    ({"km_from_home": 500.1}, {"far_from_home": 25}),
    ({"prior_fraud_count": 0.0}, {}),
    ({"prior_fraud_count": 1.0}, {"prior_fraud": 40}),
    ({"account_age_days": 29.99}, {"young_account": 20}),
    ({"account_age_days": 30.0}, {}),
    ({"device_blacklisted": 1.0}, {"device_blocked": 50}),
    ({"days_since_unblock": 30.0}, {"recently_unblocked": 35}),
    ({"days_since_unblock": 30.01}, {}),
    ({"days_since_unblock": 0.0}, {"recently_unblocked": 35}),
    ({"is_merchant_abroad": 1.0, "merchant_country": "FR"}, {"merchant_abroad": 25}),
    *(
        ({"is_merchant_abroad": 1.0, "merchant_country": country}, {"merchant_in_high_risk_country": 30})
        for country in ("CN", "RU", "NG", "PK", "AE", "ZA")
    ),
    ({"is_merchant_abroad": 0.0, "merchant_country": "CN"}, {}),
    ({"merchant_country": "CN"}, {}),
    ({"merchant_category": "6011"}, {"cash_category": 25, "cash": 30}),
    *(({"merchant_category": category}, {"risky_category": 15}) for category in ("5944", "5999", "5732")),
    ({"merchant_category": "5411"}, {}),
    ({"is_new_merchant": 1.0}, {"new_merchant": 15}),
    ({"channel": "atm"}, {"cash": 30}),
    ({"channel": "pos"}, {}),
    ({**FIGURES, "km_from_home": 60.0}, {}),
    ({**FIGURES, "km_from_home": 60.1}, {"unusual_distance_from_home": 20}),
    ({**FIGURES, "city_fraud_rate": 0.015}, {}),
    ({**FIGURES, "city_fraud_rate": 0.0151, "city": "Pune"}, {"risky_city": 15}),
    ({"is_merchant_abroad": 1.0, "merchant_country": "FR", "km_from_home": 100.0},
     {"merchant_abroad": 25, "merchant_abroad_user_at_home": 25}),
    ({"is_merchant_abroad": 1.0, "merchant_country": "FR", "km_from_home": 100.1}, {"merchant_abroad": 25}),
    ({"is_merchant_abroad": 0.0, "merchant_country": "FR", "km_from_home": 5.0}, {}),
    ({**FIGURES, "amount": 800.5, "otp_used": False}, {"large_amount_without_otp": 20}),
    ({**FIGURES, "amount": 800.5, "otp_used": True}, {}),
    ({**FIGURES, "amount": 800.5}, {}),
    ({**FIGURES, "amount": 799.5, "otp_used": False}, {}),
    ({"amount": 800.5, "otp_used": False}, {}),
    ({"entry_mode": "manual"}, {"manual_entry": 15}),
    ({"entry_mode": "chip"}, {}),
]  # fmt: skip


def evaluated(known: dict[str, Any]) -> tuple[Any, list[str]]:
    features = [known.get(name, NAN) for name in NAMES]
    population = {name: known.get(name, NAN) for name in POPULATION_NAMES}
    event = transaction(**{name: value for name, value in known.items() if name not in {*NAMES, *population}})
    result = BANK.evaluate(features, event, population)
    return result, BANK.reasons(result, features, event, population)


@pytest.mark.parametrize(("known", "points"), CASES, ids=range(len(CASES)))
def test_rules_hit_from_the_limits_of_the_table_on(known, points):
    result, _ = evaluated(known)
    assert {rule.id: rule.points for rule in result.hits} == points
    assert result.points == sum(points.values())


def test_the_cases_reach_every_rule_of_the_pack():
    assert {rule_id for _, points in CASES for rule_id in points} == {rule.id for rule in BANK.rule_set.rules}


def test_nothing_is_wrong_or_odd_about_the_pack():
    assert rule_problems(BANK.rule_set, NAMES) == []


def test_without_known_values_no_rule_hits():
    result, _ = evaluated({})
    assert (result.points, result.score) == (0, 0)


@pytest.mark.parametrize(
    ("points", "low", "high"),
    [(15, 0, 100), (55, 0, 200), (120, 300, 500), (149, 0, 510), (150, 501, 600), (180, 701, 800), (210, 901, 950)],
)  # fmt: skip
def test_scores_at_selected_sums_of_points(points, low, high):
    assert low <= scale_scores(list(BANK.rule_set.scale))[points] <= high


def test_reasons_contain_the_values_of_the_transaction():
    result, reasons = evaluated(
        {
            "amount_vs_user_avg": 5.234, "user_avg_amount": 80.1, "amount": 6000.0, "is_merchant_abroad": 1.0,
            "merchant_country": "RU", "km_from_home": 12.3, "txn_count_1h": 5.0, "txn_count_1d": 7.0, "device_id": "D9",
            "is_new_device": 1.0, "merchant_category": "6011", "otp_used": False, **FIGURES, "city_fraud_rate": 0.0301,
            "city": "Pune", "hour_local": 3.0, "days_since_unblock": 2.0, "prior_fraud_count": 2.0,
        }
    )  # fmt: skip
    assert reasons == [
        "amount is 5.2x this user's average of 80.10",
        "large round amount of 6,000",
        "amount 6,000.00 is above 800.00 (95% of all transactions are below), without one-time password",
        "first transaction on device D9",
        "unusual hour: 3 o'clock local time",
        "5 transactions in 1 hour",
        "high frequency: 5 transactions in 1 hour, 7 in 24 hours",
        "Pune has a fraud rate of 0.0301, 0.0100 is the mean",
        "merchant in a high-risk country: RU",
        "merchant abroad (RU) but the user is 12 km from home",
        "2 confirmed frauds before",
        "account was unblocked 2 days ago",
        "merchant category 6011 (cash withdrawal)",
        "cash withdrawal",
    ]
    assert result.points == 25 + 15 + 20 + 15 + 20 + 30 + 25 + 15 + 30 + 25 + 40 + 35 + 25 + 30
    assert result.score == 1000
