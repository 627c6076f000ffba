"""What makes a feature's value a reason: the direction that raises a risk, and from where on.

A concept is what an analyst would call one thing. Of the features of one concept, and of the rules about it, only the
most telling is told.
"""

from __future__ import annotations

from functools import lru_cache
from math import inf
from typing import Literal

import msgspec

from udfs.features.feature import WINDOWS
from udfs.features.words import ATTRIBUTE, ENTITIES

Risky = Literal["high", "low", "either", "true", "false", "rate", "amount", "night", "never"]


class Signal(msgspec.Struct, frozen=True):
    """One feature as evidence of `concept`.

    high: from `least` on (up to `most`, if any), and above the population's .95 quantile; without quantiles from `clear` on.
    low: down from `most`, and below the population's .05 quantile; without quantiles down from `certain`.
    either: beyond both, for numbers of which nothing is known but the population. true, false: a flag in that state, unless
    it is common. rate: a fraud rate clearly above the base rate. amount: outside this user's range, or the population's.
    night: at night, where this user seldom pays at night. never: no reason by itself; what it contributes is added to its
    concept's, e.g. the logarithm of the amount to the amount.

    With `personal` the feature compares with this user: beyond `clear` or `certain` it is unusual whatever others do. The
    feature `needs` must be at least `needs_least` for the value to mean anything (unknown: it means nothing).
    Of one concept's features that with the lowest `rank` is told; where that one `joins` a concept that was found too, it
    says nearly the same and is merged with it.
    """

    concept: str
    risky: Risky = "never"
    least: float = 0.0
    clear: float = inf
    most: float = 0.0
    certain: float = -inf
    rank: int = 1
    personal: bool = False
    joins: str = ""
    needs: str = ""
    needs_least: float = 0.0


def _high(concept: str, least: float, clear: float, rank: int = 1, **more: object) -> Signal:
    return msgspec.structs.replace(Signal(concept, "high", least=least, clear=clear, rank=rank), **more)


def _low(concept: str, most: float, certain: float, rank: int = 1, **more: object) -> Signal:
    return msgspec.structs.replace(Signal(concept, "low", most=most, certain=certain, rank=rank), **more)


def _times_usual(least: float, rank: int) -> Signal:
    """A multiple of what this user pays, of whom some payments must be known."""
    return Signal(
        "amount", "amount", least, 2.0 * least, rank=rank, personal=True, needs="user_txn_count", needs_least=3
    )


def _new(concept: str, rank: int = 1, joins: str = "") -> Signal:
    """Something not seen with this user before: of a user without history everything is new."""
    return Signal(
        concept, "true", clear=1.0, rank=rank, personal=True, joins=joins, needs="user_txn_count", needs_least=5
    )


def _flag(concept: str, rank: int = 1, joins: str = "") -> Signal:
    return Signal(concept, "true", clear=1.0, rank=rank, joins=joins)


def _common(concept: str, rank: int = 2) -> Signal:
    """A flag that only a population's word makes unusual."""
    return Signal(concept, "true", rank=rank)


_NEVER = {
    "amount": (
        "amount_log", "amount_minor_part", "user_avg_amount", "user_std_amount", "user_max_amount", "user_avg_amount_7d",
        "user_avg_amount_30d", "user_std_amount_30d",
        *(f"{what}_amount_{suffix}" for what in ("avg", "max", "std") for suffix, _ in WINDOWS),
    ),
    "velocity": (
        "txn_count_1h_share_of_1d", "velocity_score", "user_txn_per_day", "user_txn_count_7d", "user_txn_count_30d",
    ),
    "spend": ("amount_sum_1h_share_of_1d",),
    "day": ("weekday", "is_weekend", "days_from_month_turn"),
    "device": ("known_device_count",),
    "login": ("minutes_since_login",),
    "merchant_risk": ("merchant_fraud_run_days",),
    "merchant_activity": ("merchant_txn_count_1d", "merchant_txn_count_7d", "merchant_user_count_1d"),
    "refunds": ("refund_sum_1d",),
    "person": ("is_vip", "user_age_years"),  # what somebody is, not what somebody does
}  # fmt: skip

SIGNALS: dict[str, Signal] = {
    **{name: Signal(concept) for concept, names in _NEVER.items() for name in names},
    # amount against this user's habits, and money passing through
    "amount_vs_user_avg": _times_usual(2.0, 0),
    "amount_vs_avg_30d": _times_usual(2.0, 1),
    "amount_vs_avg_7d": _times_usual(2.0, 2),
    "amount_vs_user_category_avg": _times_usual(2.5, 2),
    "amount_vs_user_max": _times_usual(1.2, 3),
    "amount_zscore": _times_usual(3.0, 4),
    "amount_vs_last": _times_usual(5.0, 5),
    "amount_vs_avg_1d": _times_usual(2.0, 6),
    "amount_vs_avg_1h": _times_usual(2.0, 6),
    "monthly_spend_share": _high("amount", 0.2, 0.5, 3, personal=True),
    "amount": Signal("amount", "amount", rank=4),
    "amount_is_round_hundred": _common("round_amount"),
    "amount_vs_category_mean": _high("amount_in_category", 3.0, 6.0),
    "amount_category_zscore": _high("amount_in_category", 2.0, 3.0, 2),
    "amount_vs_received_1d": _high("money_received", 0.5, 0.8, 0, most=1.2),
    "received_txn_count_1d": _high("money_received", 2.0, 4.0, 2),
    "received_user_count_1d": _high("money_received", 2.0, 3.0, 1),
    # frequency and spend
    "txn_count_5m": _high("velocity", 2.0, 3.0),
    "txn_count_1h": _high("velocity", 3.0, 5.0),
    "txn_count_1d": _high("velocity", 5.0, 12.0),
    "stated_txn_count_1h": _high("velocity", 3.0, 5.0, 2),
    "session_txn_count": _high("velocity", 3.0, 6.0, 2),
    "txn_count_1d_vs_usual": _high("velocity", 2.5, 4.0, 2, personal=True, needs="user_days_known", needs_least=3.0),
    "seconds_since_last": _low("velocity", 180.0, 30.0, 3),
    **{f"amount_sum_{suffix}": _high("spend", 0.01, inf, 2, needs=f"txn_count_{suffix}", needs_least=2.0)
       for suffix, _ in WINDOWS},
    "spend_7d_vs_30d": _high("spend", 1.8, 3.0, needs="user_days_known", needs_least=14.0),
    "credit_limit_share": _high("credit_limit", 0.25, 0.5, 0),
    "credit_limit_share_7d": _high("credit_limit", 0.4, 0.8),
    "credit_limit_share_30d": _high("credit_limit", 0.6, 0.9, 2),
    "distinct_merchants_5m": _high("merchants", 3.0, 3.0),
    "distinct_merchants_1h": _high("merchants", 3.0, 5.0),
    "distinct_merchants_1d": _high("merchants", 4.0, 10.0),
    "declined_count_1h": _high("declines", 2.0, 2.0),
    "declined_count_1d": _high("declines", 2.0, 3.0, 2),
    "is_refund": _common("refunds", 3),
    "refund_count_1d": _high("refunds", 2.0, 3.0),
    "refund_vs_purchases_at_merchant": _high("refunds", 1.2, 1.5, 0),
    "refund_count_at_merchant": _high("refunds", 2.0, 3.0),
    # place
    "speed_kmh": _high("travel", 200.0, 900.0, 0, needs="km_from_last", needs_least=50.0),
    "km_from_last": _high("travel", 100.0, 1000.0, joins="place"),
    **{f"distinct_countries_{suffix}": _high("travel", 2.0, 2.0) for suffix, _ in WINDOWS},
    "session_city_count": _high("travel", 2.0, 2.0),
    "country_changed": _new("travel", 2, "place"),
    "city_changed": _new("travel", 3, "place"),
    "is_new_country": _new("place", 0),
    "km_from_home": _high("place", 100.0, 1000.0),
    "is_new_city": _new("place", 2),
    "foreign_country_count_1d": _high("place", 2.0, 2.0, 2),
    "is_merchant_abroad": _flag("merchant_country"),
    "merchant_country_differs": _flag("merchant_country", 2),
    # device, IP address, logins
    "is_new_device": _new("device", 0),
    "device_days_known": _low("device", 2.0, 1.0, 0, personal=True, needs="user_days_known", needs_least=3.0),
    "device_registered_days": _low("device", 14.0, 3.0, 2),
    "device_changed": _new("device", 3, "device_change"),
    "device_changed_in_session": _new("device_change", 0),
    "distinct_devices_5m": _high("device_change", 2.0, 2.0),
    "distinct_devices_1h": _high("device_change", 2.0, 2.0),
    "distinct_devices_1d": _high("device_change", 3.0, 3.0),
    "session_device_count": _high("device_change", 2.0, 2.0, 2),
    "device_blacklisted": _flag("block_list"),
    "is_new_ip": _new("ip"),
    "ip_changed": _new("ip", 3),
    "ip_risk_score": _high("ip_feed", 40.0, 70.0),
    "ip_is_vpn": _flag("ip_feed", 2),
    "email_domain_age_days": _low("email_domain", 180.0, 30.0),
    "failed_logins_1h": _high("failed_logins", 2.0, 3.0),
    "failed_logins_1d": _high("failed_logins", 3.0, 5.0, 2),
    "login_city_changed": _flag("login", 2),
    "login_device_differs": _flag("device", 2, "device_change"),
    "login_devices_1h": _high("login", 2.0, 2.0, 0),
    "login_devices_1d": _high("login", 2.0, 3.0),
    # merchant, beneficiary, way of payment
    "is_new_merchant": _new("merchant"),
    "is_new_category": _new("category"),
    "user_category_share": _low("category", 0.02, 0.002, 2, least=1e-9, needs="user_txn_count", needs_least=20.0),
    "is_new_beneficiary": _new("beneficiary"),
    "distinct_beneficiaries_1d": _high("beneficiary", 3.0, 4.0),
    "merchant_days_known": _low("merchant_age", 30.0, 7.0),
    "merchant_days_since_fraud": _low("merchant_risk", 30.0, 14.0, 2),
    "merchant_activity_ratio": _high("merchant_activity", 2.5, 5.0, needs="merchant_txn_count_1d", needs_least=10.0),
    "is_online_channel": _common("way_of_payment", 4),
    "is_transfer_channel": _common("way_of_payment", 3),
    "is_atm_channel": _common("way_of_payment"),
    "is_cash_category": _common("way_of_payment"),
    "is_high_risk_category": _flag("way_of_payment", 2),
    "is_manual_entry": _common("entry_mode", 1),
    "is_magstripe_entry": _common("entry_mode", 1),
    "used_otp": Signal("authentication", "false"),
    # account
    "account_age_days": _low("account_age", 90.0, 30.0),
    "user_days_known": _low("account_age", 7.0, 1.0, 2),
    "user_txn_count": Signal("account_age", "low", least=1.0, most=3.0, rank=3),
    "kyc_level": _low("verification", 0.0, 0.0),
    "prior_fraud_count": _high("fraud_history", 1.0, 1.0),
    "days_since_fraud_known": _low("fraud_history", 90.0, 90.0, 0, personal=True),
    "days_since_unblock": _low("unblocked", 30.0, 30.0, personal=True),
    # time
    **{name: Signal("time_of_day", "night")
       for name in ("hour_local", "hour_sin", "hour_cos", "is_night", "user_night_share")},
}  # fmt: skip

_SHARED_CONCEPTS = {"category_hour": "category", "category_channel": "category"}
"""Kinds of entities that say nearly the same as another one."""
_RATE_DAYS = (1, 3, 7, 14, 30, 90)


def _history_signals(kind: str) -> dict[str, Signal]:
    concept = _SHARED_CONCEPTS.get(kind, kind)
    signals = {f"{kind}_fraud_rate_{days}d": Signal(f"{concept}_risk", "rate") for days in _RATE_DAYS}
    signals[f"{kind}_frauds_reported_7d"] = _high(f"{concept}_risk", 1.0, 2.0, 0)
    signals[f"{kind}_activity_ratio"] = _high(f"{concept}_activity", 3.0, 5.0)
    return signals


for _kind in ENTITIES:
    SIGNALS = {**_history_signals(_kind), **SIGNALS}
for _kind in ("device", "beneficiary", "ip"):
    SIGNALS[f"{_kind}_user_count_1d"] = _high(f"{_kind}_sharing", 3.0, 4.0)
    SIGNALS[f"{_kind}_user_count_7d"] = _high(f"{_kind}_sharing", 3.0, 6.0)
    SIGNALS[f"{_kind}_txn_count_1d"] = _high(f"{_kind}_sharing", 10.0, 30.0, 2)

EVENT_CONCEPTS = {
    "merchant_id": "merchant",
    "merchant_category": "way_of_payment",
    "channel": "way_of_payment",
    "merchant_country": "merchant_country",
    "entry_mode": "entry_mode",
    "device_id": "device",
    "ip_address": "ip",
    "city": "place",
    "country": "place",
    "latitude": "place",
    "longitude": "place",
    "beneficiary_id": "beneficiary",
    "email_domain": "email_domain",
    "otp_used": "authentication",
    "kind": "refunds",
    "auth_result": "declines",
    "original_amount": "amount",
    "timestamp": "time_of_day",
    "population_amount_p95": "amount",
    "population_km_from_home_p90": "place",
    "city_fraud_rate": "city_risk",
}
"""Of the names that rules may use beside features, those that are about a concept."""

EVENT_FEATURES = {
    "merchant_category": ("is_cash_category", "is_high_risk_category"),
    "channel": ("is_atm_channel", "is_transfer_channel", "is_online_channel"),
    "entry_mode": ("is_manual_entry", "is_magstripe_entry"),
    "merchant_country": ("is_merchant_abroad", "merchant_country_differs"),
}
"""Flags that a rule may read as well from a field of the event."""


@lru_cache(maxsize=1024)
def signal_of(name: str) -> Signal:
    """The feature as evidence; one that is not known here is no reason by itself."""
    known = SIGNALS.get(name)
    if known is not None:
        return known
    found = ATTRIBUTE.fullmatch(name)
    if found is None:
        return Signal(name)
    concept = f"attribute_{found['name']}"
    if found["history"] is None:
        return Signal(concept, "either")
    return _history_signals(concept)[name]


def is_feature(name: str) -> bool:
    """Is this a feature, of those that are known here? A field of the event or a figure of the population is none."""
    return name in SIGNALS or ATTRIBUTE.fullmatch(name) is not None


def concept_of(name: str) -> str | None:
    """The concept of a name that a rule reads; None for figures and fields that are about none."""
    if name in EVENT_CONCEPTS:
        return EVENT_CONCEPTS[name]
    return signal_of(name).concept if is_feature(name) else None
