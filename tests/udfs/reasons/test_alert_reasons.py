"""Reasons of constructed alerts: texts, order and weights."""

from __future__ import annotations

from math import exp, inf, isnan, log1p, nan, sqrt

import pytest

from tests.udfs.reasons.alert_inputs import (
    NIGHT_MS,
    QUANTILES,
    AlertInputs,
    ScoreParts,
    alert,
    alert_reasons,
    features_of,
    hit,
)
from udfs.features.catalogue import NAMES
from udfs.records.events import Transaction
from udfs.records.outputs import Reason
from udfs.records.profiles import BlockEntry
from udfs.rules.pack_files import shipped_pack
from udfs.rules.rulebook import Rulebook


def texts_of(inputs: AlertInputs) -> list[str]:
    return [reason.text for reason in alert_reasons(inputs)[0]]


def only(inputs: AlertInputs) -> Reason:
    (reason,) = alert_reasons(inputs)[0]
    return reason


def test_an_amount_has_one_reason_with_ratio_range_and_all_contributions() -> None:
    features = features_of(
        amount=345.0, amount_vs_user_avg=8.4, amount_zscore=15.2, amount_vs_user_max=3.1, amount_log=5.8
    )
    contributions = [
        ("amount_zscore", 2.0),
        ("amount_vs_user_avg", 1.0),
        ("amount_log", 0.5),
        ("amount_vs_user_max", 0.5),
    ]
    reason = only(alert(features, contributions=contributions))
    variance = log1p((20.0 / 41.0) ** 2)
    low, high = (41.0 * exp(-variance / 2 + sign * 1.645 * sqrt(variance)) for sign in (-1, 1))
    assert (round(low), round(high)) == (17, 79)
    assert reason == Reason(
        "trees",
        "amount_vs_user_avg",
        "amount 8.4x this user's mean",
        800.0,
        8.4,
        "usually 17 to 79 USD (30-day mean 41)",
    )


def test_weights_are_parts_of_the_score_and_sum_to_at_most_the_score() -> None:
    features = features_of(amount=345.0, amount_vs_user_avg=8.4, txn_count_5m=4.0, is_new_device=0.0)
    contributions = [("amount_vs_user_avg", 2.0), ("txn_count_5m", 1.0), ("is_new_device", 1.0)]
    rules = [hit("odd", "an odd payment", "merchant_id")]
    inputs = alert(features, contributions=contributions, hits=rules, parts=ScoreParts(model=6.0, rules=2.0))
    reasons, _ = alert_reasons(inputs)
    assert [(reason.name, reason.weight) for reason in reasons] == [
        ("amount_vs_user_avg", 300.0),  # 800 x 6/8 x 2/4
        ("odd", 200.0),  # 800 x 2/8
        ("txn_count_5m", 150.0),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("is_new_device", nan), ("account_age_days", nan), ("device_registered_days", nan), ("km_from_home", nan),
        ("device_changed", 0.0), ("is_new_country", 0.0), ("is_manual_entry", 0.0), ("used_otp", 1.0),
        ("speed_kmh", 0.0), ("km_from_last", 0.0), ("km_from_home", 3.0), ("txn_count_5m", 1.0), ("txn_count_1h", 2.0),
        ("amount_vs_user_avg", 1.1), ("amount_vs_user_avg", 0.6), ("amount_zscore", -1.1), ("amount", 40.0),
        ("merchant_fraud_rate_30d", 0.01), ("device_fraud_rate_30d", 0.01), ("merchant_fraud_rate_7d", 0.019),
        ("declined_count_1d", 1.0), ("distinct_devices_1d", 1.0), ("is_online_channel", 1.0), ("is_new_merchant", 1.0),
        ("account_age_days", 700.0), ("device_days_known", 50.0), ("failed_logins_1h", 0.0), ("kyc_level", 2.0),
        ("user_age_years", 91.0), ("is_vip", 1.0), ("weekday", 6.0), ("hour_sin", 0.5), ("amount_log", 9.0),
        ("merchant_txn_count_7d", 0.0), ("prior_fraud_count", 0.0), ("attribute_card_type_fraud_rate_30d", 0.01),
    ],
)  # fmt: skip
def test_unknown_usual_lowered_and_prior_values_are_no_reasons(name: str, value: float) -> None:
    features = {**features_of(ip_is_vpn=1.0), name: value}
    inputs = alert(features, contributions=[(name, 4.0), ("ip_is_vpn", 1.0)])
    assert texts_of(inputs) == ["IP address of a VPN"]


@pytest.mark.parametrize(
    ("name", "value", "text", "usual"),
    [
        ("is_new_device", 1.0, "first payment on this device", "this user's payments come from 2 known devices"),
        ("device_days_known", 4 / 1440, "on a device first seen 4 minutes ago", None),
        ("txn_count_5m", 3.0, "3 payments in 5 minutes",
         "this user makes 1.2 payments a day; at most 2 in 99 % of payments"),
        ("txn_count_1d", 7.0, "7 payments in 1 day", "this user makes 1.2 payments a day; at most 5 in 95 % of payments"),
        ("merchant_fraud_rate_30d", 0.2, "fraud rate of this merchant 20 % in 30 days", "at most 4 % in 99 % of payments"),
        ("city_fraud_rate_90d", 0.034, "fraud rate of this city 3.4 % in 90 days", "base rate 1 %"),
        ("merchant_frauds_reported_7d", 5.0, "5 frauds with this merchant reported in 7 days", None),
        ("is_manual_entry", 1.0, "card number entered by hand", "in fewer than 5 % of payments"),
        ("account_age_days", 3.0, "account opened 3 days ago", "at least 5 days in 99 % of payments"),
        ("account_age_days", 20.0, "account opened 20 days ago", "at least 40 days in 95 % of payments"),
        ("used_otp", 0.0, "without one-time password", "in fewer than 25 % of payments"),
        ("amount", 1.02, "an amount of only 1.02 USD", "usually 17 to 79 USD (30-day mean 41)"),
        ("kyc_level", 0.0, "user not verified (KYC level 0)", None),
        ("days_since_unblock", 5.0, "account unblocked 5 days ago", None),
        ("amount_vs_received_1d", 0.97, "97 % of the money received in the last day goes out again", None),
        ("failed_logins_1h", 6.0, "6 failed logins in 1 hour", None),
        ("attribute_card_type_fraud_rate_30d", 0.08, "fraud rate of this card type 8 % in 30 days", "base rate 1 %"),
    ],
)  # fmt: skip
def test_an_unusual_value_is_shown_with_the_usual_one(name: str, value: float, text: str, usual: str | None) -> None:
    features = {**features_of(), name: value}
    reason = only(alert(features, contributions=[(name, 2.0)]))
    assert (reason.name, reason.text, reason.value, reason.usual) == (name, text, value, usual)
    assert reason.weight == 800.0


def test_fast_travel_is_shown_by_distance_and_time() -> None:
    contributions = [("speed_kmh", 2.0), ("km_from_last", 1.0), ("country_changed", 1.0), ("ip_is_vpn", 0.1)]
    fast = features_of(speed_kmh=21_060.0, km_from_last=4_212.0, seconds_since_last=720.0, country_changed=1.0)
    assert texts_of(alert(fast, contributions=contributions)) == [
        "4,212 km in 12 minutes since the last payment (21,060 km/h)"
    ]
    slow = features_of(speed_kmh=150.0, km_from_last=2.0, seconds_since_last=48.0, ip_is_vpn=1.0)
    assert texts_of(alert(slow, contributions=[*contributions, ("ip_is_vpn", 3.0)])) == ["IP address of a VPN"]


def test_similar_reasons_are_merged() -> None:
    features = features_of(km_from_home=1_474.0, km_from_last=1_477.0, city_changed=1.0)
    contributions = [("km_from_home", 2.0), ("km_from_last", 1.5), ("city_changed", 0.5)]
    reason = only(alert(features, contributions=contributions))
    assert (reason.text, reason.weight) == ("1,474 km from home", 800.0)
    (alone,) = texts_of(alert(features_of(km_from_last=1_477.0), contributions=contributions[1:]))
    assert alone == "1,477 km from the last payment"


def test_the_combination_comes_first_if_findings_explain_little() -> None:
    features = features_of(ip_is_vpn=1.0, amount=70.0, amount_vs_user_avg=1.7)
    contributions = [("account_age_days", 8.0), ("amount_vs_user_avg", 1.0), ("ip_is_vpn", 1.0)]
    reasons, summary = alert_reasons(alert(features, contributions=contributions))
    assert [(reason.text, reason.weight) for reason in reasons] == [
        ("combination of values of which only one is slightly unusual: amount 1.7x this user's mean", 720.0),
        ("IP address of a VPN", 80.0),
    ]
    assert summary.startswith("Combination of values of which only one is slightly unusual: ")


def test_a_rule_on_a_usual_value_is_shown_only_without_unusual_values() -> None:
    features = features_of(ip_is_vpn=1.0, amount_vs_user_avg=1.6, is_new_merchant=1.0)
    hits = [
        hit("amount_over_1_5x_average", "amount is 1.6x this user's average", "amount_vs_user_avg", share=0.25),
        hit("new_merchant", "first transaction at merchant M1", "is_new_merchant", share=0.75),
    ]
    strong = alert(features, contributions=[("ip_is_vpn", 1.0)], hits=hits, parts=ScoreParts(model=4.0, rules=2.0))
    assert texts_of(strong) == ["IP address of a VPN"]
    weak = alert(features, contributions=[("ip_is_vpn", 1.0)], hits=hits, parts=ScoreParts(model=1.0, rules=4.0))
    assert texts_of(weak) == [
        "first transaction at merchant M1",
        "amount is 1.6x this user's average",
        "IP address of a VPN",
    ]


def test_the_sine_of_the_hour_is_shown_as_local_time_at_night() -> None:
    night = features_of(hour_local=3.0, is_night=1.0, hour_sin=0.7, hour_cos=0.7)
    contributions = [("hour_sin", 1.0), ("hour_cos", 1.0), ("user_night_share", 1.0), ("is_night", 1.0)]
    reason = only(alert(night, contributions=contributions, timezone="Europe/Berlin"))
    assert NIGHT_MS % 86_400_000 == (2 * 60 + 12) * 60_000
    assert (reason.name, reason.text) == ("hour_local", "at 03:12 local time")
    assert reason.usual == "this user pays at night in 2 % of payments"
    assert (reason.value, reason.weight) == (3.0, 800.0)
    owl = features_of(hour_local=3.0, is_night=1.0, user_night_share=0.4, ip_is_vpn=1.0)
    assert texts_of(alert(owl, contributions=[("ip_is_vpn", 5.0), *contributions])) == ["IP address of a VPN"]


def test_a_zone_that_contradicts_the_hour_gives_the_hour_only() -> None:
    night = features_of(hour_local=5.0, is_night=1.0)
    for timezone in ("Europe/Berlin", "No/Where", "UTC"):
        assert texts_of(alert(night, contributions=[("is_night", 1.0)], timezone=timezone)) == ["at 05:00 local time"]


def test_a_user_without_history_has_no_reasons_about_new_values() -> None:
    new = features_of(
        user_txn_count=0.0, user_txn_count_30d=0.0, user_avg_amount=nan, user_avg_amount_30d=nan, is_new_device=1.0,
        is_new_country=1.0, amount_vs_user_avg=nan, user_night_share=nan, device_days_known=nan, amount=2_000.0,
    )  # fmt: skip
    contributions = [("is_new_device", 2.0), ("is_new_country", 2.0), ("user_txn_count", 1.0), ("amount", 1.0)]
    reason = only(alert(new, contributions=contributions))
    assert (reason.text, reason.usual) == ("amount 2,000.00 USD", "at most 900.00 USD in 99 % of payments")


def test_of_several_windows_the_strongest_is_shown() -> None:
    features = features_of(txn_count_5m=2.0, txn_count_1h=9.0, txn_count_1d=9.0)
    contributions = [("txn_count_5m", 2.0), ("txn_count_1d", 1.5), ("txn_count_1h", 1.0)]
    assert texts_of(alert(features, contributions=contributions)) == ["9 payments in 1 hour"]


def test_rule_and_trees_of_one_concept_are_one_reason_of_both_weights() -> None:
    features = features_of(is_new_device=1.0)
    rule = hit("new_device", "first transaction on device D77", "is_new_device")
    for parts, source in ((ScoreParts(model=3.0, rules=1.0), "trees"), (ScoreParts(model=1.0, rules=3.0), "rule")):
        reasons, summary = alert_reasons(
            alert(features, contributions=[("is_new_device", 2.0)], hits=[rule], parts=parts)
        )
        assert reasons == [
            Reason(
                source,  # type: ignore[arg-type]
                "new_device",
                "first transaction on device D77",
                800.0,
                1.0,
                "this user's payments come from 2 known devices",
            )
        ]
        assert summary == "First payment on this device."


def test_a_rules_text_is_shown_with_the_value_of_its_own_feature() -> None:
    features = features_of(txn_count_5m=3.0, txn_count_1h=4.0)
    rule = hit("busy_hour", "4 transactions in 1 hour", "txn_count_1h")
    inputs = alert(features, contributions=[("txn_count_5m", 2.0)], hits=[rule], parts=ScoreParts(model=3.0, rules=1.0))
    reasons, summary = alert_reasons(inputs)
    assert [(reason.text, reason.value) for reason in reasons] == [("4 transactions in 1 hour", 4.0)]
    assert reasons[0].usual == "this user makes 1.2 payments a day; at most 3 in 99 % of payments"
    assert summary == "4 payments in 1 hour."


def test_evidence_of_a_lower_rank_replaces_a_rules_text() -> None:
    features = features_of(amount=345.0, amount_vs_user_avg=8.4, monthly_spend_share=0.35)
    rule = hit("monthly_spend_share", "amount 345.00 is 0.35x this user's average monthly spend", "monthly_spend_share")
    inputs = alert(
        features, contributions=[("amount_vs_user_avg", 2.0)], hits=[rule], parts=ScoreParts(model=3.0, rules=1.0)
    )
    reason = only(inputs)
    assert (reason.name, reason.text) == ("monthly_spend_share", "amount 8.4x this user's mean")


def test_a_rule_text_with_unknown_or_zero_km_is_replaced() -> None:
    rules = [
        hit("abroad_at_home", "merchant abroad (NG) but the user is 0 km from home", "is_merchant_abroad", share=0.6),
        hit("abroad", "merchant abroad: NG", "is_merchant_abroad", share=0.4),
    ]
    parts = ScoreParts(model=0.0, rules=2.0)
    assert texts_of(alert(hits=rules, parts=parts)) == ["merchant abroad: NG"]
    assert texts_of(alert(hits=rules[:1], parts=parts)) == ["rule abroad at home"]
    unknown = hit("city_risk", "risky city unknown", "city", "channel")
    assert texts_of(alert(hits=[unknown], parts=parts)) == ["rule city risk"]


def test_a_rule_that_forces_the_action_comes_first() -> None:
    features = features_of(amount=345.0, amount_vs_user_avg=8.4)
    rules = [hit("forced", "payout to a casino", "beneficiary_id", share=0.0, forces=True)]
    reasons, summary = alert_reasons(
        alert(features, contributions=[("amount_vs_user_avg", 2.0)], hits=rules, parts=ScoreParts(model=3.0, rules=0.0))
    )
    assert [reason.text for reason in reasons] == ["payout to a casino", "amount 8.4x this user's mean"]
    assert summary == "Payout to a casino, amount 8.4x this user's mean."


def test_block_list_comes_first_flags_last_and_are_never_cut() -> None:
    features = features_of(amount=345.0, amount_vs_user_avg=8.4, device_blacklisted=1.0, txn_count_5m=5.0)
    inputs = alert(
        features,
        contributions=[("device_blacklisted", 3.0), ("amount_vs_user_avg", 2.0), ("txn_count_5m", 1.0)],
        hits=[hit("device_blocked", "device D1 is on the block list", "device_blacklisted")],
        parts=ScoreParts(model=3.0, rules=1.0),
        blocked=[BlockEntry(type="device", value="D1", reason_code="FRAUD")],
        flags={"AML": "a large amount", "KYC": "the user is not verified"},
        limit=4,
    )
    reasons, summary = alert_reasons(inputs)
    assert [reason.text for reason in reasons] == [
        "device D1 is on the block list (FRAUD)",
        "amount 8.4x this user's mean",
        "AML: a large amount",
        "KYC: the user is not verified",
    ]
    assert reasons[0].weight == 1000.0
    assert summary == "Device D1 is on the block list (FRAUD), amount 8.4x this user's mean."


def test_a_payment_with_flags_only_has_their_reasons_and_summary() -> None:
    reasons, summary = alert_reasons(
        alert(parts=ScoreParts(model=0.0, rules=0.0), flags={"KYC": "the user is not verified"})
    )
    assert reasons == [Reason("flag", "KYC", "KYC: the user is not verified", 0.0)]
    assert summary == "KYC: the user is not verified."


def test_without_unusual_values_slightly_risky_ones_are_combined() -> None:
    features = features_of(amount=70.0, amount_vs_user_avg=1.7, txn_count_1h=2.0, account_age_days=nan)
    contributions = [("account_age_days", 3.0), ("amount_vs_user_avg", 1.0), ("txn_count_1h", 1.0), ("speed_kmh", 0.5)]
    reasons, summary = alert_reasons(alert(features, contributions=contributions))
    text = "combination of several slightly unusual values: amount 1.7x this user's mean, 2 payments in 1 hour"
    assert reasons == [Reason("trees", "combination", text, 800.0)]
    assert summary == f"C{text[1:]}."


def test_without_risky_values_the_reason_says_that_none_stands_out() -> None:
    for contributions in ([("account_age_days", 3.0)], [("is_new_device", 1.0), ("speed_kmh", 1.0)], []):
        reason = only(alert(features_of(account_age_days=nan), contributions=contributions))
        assert reason.text == "no single value stands out: together they resemble earlier frauds"


def test_the_summary_says_that_an_alert_is_of_the_anomaly_alone() -> None:
    features = features_of(amount=345.0, amount_vs_user_avg=8.4, txn_count_5m=4.0)
    inputs = alert(
        features, probability=0.1, parts=ScoreParts(model=0.5, rules=0.0), unusual=True,
        contributions=[("txn_count_5m", 1.0)], deviations=[("amount_vs_user_avg", 12.0), ("user_age_years", 8.0)],
    )  # fmt: skip
    reasons, summary = alert_reasons(inputs)
    assert [(reason.source, reason.name) for reason in reasons] == [
        ("autoencoder", "amount_vs_user_avg"),
        ("trees", "txn_count_5m"),
    ]
    assert summary == (
        "Amount 8.4x this user's mean, 4 payments in 5 minutes: unusual for this user; resembles no known fraud pattern."
    )
    assert sum(reason.weight for reason in reasons) <= 100.0


def test_without_quantiles_only_clear_values_are_reasons() -> None:
    contributions = [
        ("txn_count_5m", 2.0),
        ("is_new_device", 1.0),
        ("is_manual_entry", 1.0),
        ("merchant_fraud_rate_7d", 1.0),
    ]
    little = features_of(txn_count_5m=2.0, is_new_device=1.0, is_manual_entry=1.0, merchant_fraud_rate_7d=0.015)
    assert texts_of(alert(little, contributions=contributions, quantiles=None)) == ["first payment on this device"]
    much = features_of(txn_count_5m=5.0, merchant_fraud_rate_7d=0.3)
    assert texts_of(alert(much, contributions=contributions, quantiles=None)) == [
        "5 payments in 5 minutes",
        "fraud rate of this merchant 30 % in 7 days",
    ]


def test_places_are_named_if_printable() -> None:
    features = features_of(is_new_country=1.0)
    for country, text in (("NG", "first payment in this country (NG)"), ("\x1b[31m", "first payment in this country")):
        transaction = Transaction(transaction_id="T", user_id="U", timestamp=NIGHT_MS, amount=1.0, country=country)
        assert texts_of(alert(features, transaction=transaction, contributions=[("is_new_country", 1.0)])) == [text]


def test_any_values_give_a_reason_and_a_summary() -> None:
    names = list(NAMES)
    for value in (nan, inf, -inf, 0.0, 1.0, -1.0, 1e300, 5e-324):
        features = features_of(**dict.fromkeys(names, value))
        contributions = [(name, 1.0) for name in names]
        for quantiles in (None, QUANTILES):
            inputs = alert(
                features, contributions=contributions, deviations=contributions, quantiles=quantiles, limit=1000
            )
            reasons, summary = alert_reasons(inputs)
            assert reasons
            assert summary.endswith(".")
            assert all(reason.text and "nan" not in reason.text for reason in reasons)
            assert not any(reason.value is not None and isnan(reason.value) for reason in reasons)


def test_concepts_of_the_bank_packs_rules_are_those_of_their_conditions() -> None:
    bank = Rulebook(shipped_pack("bank"), NAMES)
    assert bank.names_read("new_device") == ("is_new_device",)
    assert bank.names_read("round_thousands") == ("amount_is_round_hundred", "amount")
    assert bank.names_read("merchant_in_high_risk_country") == ("is_merchant_abroad", "merchant_country")
    assert bank.names_read("large_amount_without_otp") == ("amount", "population_amount_p95", "otp_used")
