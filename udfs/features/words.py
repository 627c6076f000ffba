"""Every feature in an analyst's words: what is said where it raises a risk, and where it does not.

`{}` stands for the value, written by its form (`udfs.features.quantities`). What a bank's own attributes are called is
made from their names.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from udfs.features.feature import WINDOWS
from udfs.features.quantities import Form, quantity


class FeatureWords(msgspec.Struct, frozen=True):
    """`raised`: the words for the state that raises a risk. `lowered`: those for the opposite one of a flag, or for a low
    value where high ones are the rule; empty where nothing is to be said then.
    """

    raised: str
    form: Form
    lowered: str = ""


def _flag(raised: str, lowered: str) -> FeatureWords:
    return FeatureWords(raised, "flag", lowered)


WORDS: dict[str, FeatureWords] = {
    # amount
    "amount": FeatureWords("amount {}", "money", "an amount of only {}"),
    "amount_log": FeatureWords("size of the amount {}", "number"),
    "amount_minor_part": FeatureWords("{} of a major unit after the decimal point", "percent"),
    "amount_is_round_hundred": _flag("round amount", "amount is not round"),
    "amount_vs_user_avg": FeatureWords("amount {} this user's mean", "times", "amount only {} this user's mean"),
    "amount_vs_user_max": FeatureWords("amount {} this user's greatest so far", "times"),
    "amount_vs_last": FeatureWords("amount {} the last one", "times"),
    "amount_vs_avg_1h": FeatureWords("amount {} the mean of the last hour", "times"),
    "amount_vs_avg_1d": FeatureWords("amount {} the mean of the last day", "times"),
    "amount_vs_avg_7d": FeatureWords("amount {} this user's 7-day mean", "times"),
    "amount_vs_avg_30d": FeatureWords("amount {} this user's 30-day mean", "times"),
    "amount_zscore": FeatureWords("amount {} above this user's mean", "deviations"),
    "amount_vs_user_category_avg": FeatureWords("amount {} this user's mean in this merchant category", "times"),
    "amount_vs_category_mean": FeatureWords("amount {} what is paid in this merchant category", "times"),
    "amount_category_zscore": FeatureWords("amount {} above its merchant category's mean", "deviations"),
    "monthly_spend_share": FeatureWords("amount {} of this user's average monthly spend", "percent"),
    "amount_vs_received_1d": FeatureWords("{} of the money received in the last day goes out again", "percent"),
    # the user's habits
    "user_txn_count": FeatureWords("only {} earlier payments of this user", "count"),
    "user_avg_amount": FeatureWords("this user's mean amount {}", "money"),
    "user_std_amount": FeatureWords("this user's amounts vary by {}", "money"),
    "user_max_amount": FeatureWords("this user's greatest amount {}", "money"),
    "user_days_known": FeatureWords("first payment of this user {} ago", "days"),
    "user_txn_per_day": FeatureWords("{} payments a day by this user", "number"),
    "user_txn_count_7d": FeatureWords("{} earlier payments of this user in 7 days", "count"),
    "user_avg_amount_7d": FeatureWords("this user's 7-day mean amount {}", "money"),
    "user_txn_count_30d": FeatureWords("{} earlier payments of this user in 30 days", "count"),
    "user_avg_amount_30d": FeatureWords("this user's 30-day mean amount {}", "money"),
    "user_std_amount_30d": FeatureWords("this user's amounts of 30 days vary by {}", "money"),
    "user_category_share": FeatureWords("merchant category with {} of this user's spend so far", "percent"),
    "user_night_share": FeatureWords("this user pays at night in {} of payments", "percent"),
    # frequency and spend
    "txn_count_1d_vs_usual": FeatureWords("{} this user's usual payments a day", "times"),
    "txn_count_1h_share_of_1d": FeatureWords("{} of the day's payments in the last hour", "percent"),
    "amount_sum_1h_share_of_1d": FeatureWords("{} of the day's spend in the last hour", "percent"),
    "velocity_score": FeatureWords("{} payments x mean amount in short time", "number"),
    "stated_txn_count_1h": FeatureWords("{} payments in 1 hour, as the bank counts", "count"),
    "session_txn_count": FeatureWords("{} payments in this session", "count"),
    "seconds_since_last": FeatureWords("{} after the last payment", "seconds"),
    "spend_7d_vs_30d": FeatureWords("daily spend of 7 days {} that of 30 days", "times"),
    "credit_limit_share": FeatureWords("{} of the credit limit spent in a day", "percent"),
    "credit_limit_share_7d": FeatureWords("{} of the credit limit spent in 7 days", "percent"),
    "credit_limit_share_30d": FeatureWords("{} of the credit limit spent in 30 days", "percent"),
    "declined_count_1h": FeatureWords("{} declined payments in 1 hour", "count"),
    "declined_count_1d": FeatureWords("{} declined payments in 1 day", "count"),
    "is_refund": _flag("a refund", "not a refund"),
    "refund_count_1d": FeatureWords("{} refunds in 1 day", "count"),
    "refund_sum_1d": FeatureWords("refunds of {} in 1 day", "money"),
    "refund_vs_purchases_at_merchant": FeatureWords("refunds {} this user's purchases at this merchant", "times"),
    "refund_count_at_merchant": FeatureWords("{} refunds from this merchant to this user", "count"),
    "received_txn_count_1d": FeatureWords("{} transfers received in 1 day", "count"),
    "received_user_count_1d": FeatureWords("money received from {} senders in 1 day", "count"),
    "distinct_beneficiaries_1d": FeatureWords("transfers to {} beneficiaries in 1 day", "count"),
    # place
    "km_from_last": FeatureWords("{} from the last payment", "km"),
    "speed_kmh": FeatureWords("{} since the last payment", "kmh"),
    "km_from_home": FeatureWords("{} from home", "km"),
    "is_new_country": _flag("first payment in this country", "a country known for this user"),
    "is_new_city": _flag("first payment in this city", "a city known for this user"),
    "country_changed": _flag("another country than the last payment", "same country as the last payment"),
    "city_changed": _flag("another city than the last payment", "same city as the last payment"),
    "is_merchant_abroad": _flag("merchant outside the home country", "merchant in the home country"),
    "merchant_country_differs": _flag("merchant's country is not the payment's", "merchant's country matches"),
    "foreign_country_count_1d": FeatureWords("payments in {} foreign countries in 1 day", "count"),
    "session_city_count": FeatureWords("{} cities in this session", "count"),
    # device, IP address, logins
    "is_new_device": _flag("first payment on this device", "a device known for this user"),
    "device_changed": _flag("another device than the last payment", "same device as the last payment"),
    "device_changed_in_session": _flag(
        "device changed within 30 minutes of the last payment", "device not changed within a session"
    ),
    "device_days_known": FeatureWords("on a device first seen {} ago", "days"),
    "known_device_count": FeatureWords("{} devices known for this user", "count"),
    "device_registered_days": FeatureWords("device registered {} ago", "days"),
    "device_blacklisted": _flag("device is on the block list", "device is on no block list"),
    "session_device_count": FeatureWords("{} devices in this session", "count"),
    "is_new_ip": _flag("first payment from this IP address", "an IP address known for this user"),
    "ip_changed": _flag("another IP address than the last payment", "same IP address as the last payment"),
    "ip_risk_score": FeatureWords("the feed rates this IP address's risk {} of 100", "count"),
    "ip_is_vpn": _flag("IP address of a VPN", "IP address of no VPN"),
    "email_domain_age_days": FeatureWords("e-mail domain registered {} ago", "days"),
    "failed_logins_1h": FeatureWords("{} failed logins in 1 hour", "count"),
    "failed_logins_1d": FeatureWords("{} failed logins in 1 day", "count"),
    "minutes_since_login": FeatureWords("{} after the last login", "minutes"),
    "login_city_changed": _flag("last two logins from different cities", "login city not changed"),
    "login_device_differs": _flag("logged in from another device than this", "logged in from the same device"),
    "login_devices_1h": FeatureWords("logins from {} devices in 1 hour", "count"),
    "login_devices_1d": FeatureWords("logins from {} devices in 1 day", "count"),
    # merchant, beneficiary, way of payment
    "is_new_merchant": _flag("first payment at this merchant", "a merchant known for this user"),
    "is_new_category": _flag("first payment in this merchant category", "a merchant category known for this user"),
    "is_new_beneficiary": _flag("first transfer to this beneficiary", "a beneficiary known for this user"),
    "merchant_days_since_fraud": FeatureWords("fraud at this merchant {} ago", "days"),
    "merchant_fraud_run_days": FeatureWords("first fraud of the running series at this merchant {} ago", "days"),
    "merchant_days_known": FeatureWords("merchant first seen {} ago", "days"),
    "merchant_txn_count_1d": FeatureWords("{} payments at this merchant in 1 day", "count"),
    "merchant_txn_count_7d": FeatureWords("{} payments at this merchant in 7 days", "count"),
    "merchant_user_count_1d": FeatureWords("{} users at this merchant in 1 day", "count"),
    "is_online_channel": _flag("online payment", "not an online payment"),
    "is_atm_channel": _flag("cash withdrawal at a machine", "not a cash machine"),
    "is_transfer_channel": _flag("transfer", "not a transfer"),
    "is_manual_entry": _flag("card number entered by hand", "card number not entered by hand"),
    "is_magstripe_entry": _flag("card read by magnetic stripe", "no magnetic stripe"),
    "used_otp": _flag("without one-time password", "one-time password used"),
    "is_cash_category": _flag("cash withdrawal", "not a cash withdrawal"),
    "is_high_risk_category": _flag("high-risk merchant category", "not a high-risk merchant category"),
    # account
    "account_age_days": FeatureWords("account opened {} ago", "days"),
    "kyc_level": FeatureWords("user not verified (KYC level {})", "count"),
    "is_vip": _flag("VIP", "not a VIP"),
    "prior_fraud_count": FeatureWords("{} confirmed frauds before", "count"),
    "days_since_fraud_known": FeatureWords("a fraud of this user was confirmed {} ago", "days"),
    "days_since_unblock": FeatureWords("account unblocked {} ago", "days"),
    "user_age_years": FeatureWords("user {} years old", "count"),
    # time
    "hour_local": FeatureWords("at {} local time", "hour"),
    "hour_sin": FeatureWords("time of day", "number"),
    "hour_cos": FeatureWords("time of day", "number"),
    "weekday": FeatureWords("on a {}", "weekday"),
    "is_weekend": _flag("on a weekend", "on a working day"),
    "is_night": _flag("at night (before 06:00 or from 23:00)", "not at night"),
    "days_from_month_turn": FeatureWords("{} from the turn of the month", "days"),
}
for _suffix, _span in WINDOWS:
    _in = f"in {_span}"
    WORDS[f"txn_count_{_suffix}"] = FeatureWords(f"{{}} payments {_in}", "count")
    WORDS[f"amount_sum_{_suffix}"] = FeatureWords(f"{{}} spent {_in}", "money")
    WORDS[f"avg_amount_{_suffix}"] = FeatureWords(f"mean amount {{}} {_in}", "money")
    WORDS[f"max_amount_{_suffix}"] = FeatureWords(f"greatest amount {{}} {_in}", "money")
    WORDS[f"std_amount_{_suffix}"] = FeatureWords(f"amounts vary by {{}} {_in}", "money")
    WORDS[f"distinct_merchants_{_suffix}"] = FeatureWords(f"payments at {{}} merchants {_in}", "count")
    WORDS[f"distinct_devices_{_suffix}"] = FeatureWords(f"payments on {{}} devices {_in}", "count")
    WORDS[f"distinct_countries_{_suffix}"] = FeatureWords(f"payments in {{}} countries {_in}", "count")

ENTITIES = {
    "merchant": "this merchant",
    "device": "this device",
    "beneficiary": "this beneficiary",
    "ip": "this IP address",
    "category": "this merchant category",
    "channel": "this channel",
    "entry_mode": "this entry mode",
    "merchant_country": "the merchant's country",
    "city": "this city",
    "category_hour": "this merchant category at this hour",
    "category_channel": "this merchant category in this channel",
    "bin": "cards of this BIN",
}
"""Each kind of entity that has a history, in words."""
_RATE_DAYS = (1, 3, 7, 14, 30, 90)
_COUNTS = (
    ("user_count_1d", "{{}} users of {} in 1 day"),
    ("user_count_7d", "{{}} users of {} in 7 days"),
    ("txn_count_1d", "{{}} payments with {} in 1 day"),
)


def _history_words(kind: str, entity: str) -> dict[str, FeatureWords]:
    """What is said of any entity's history: fraud rates, reported frauds, activity."""
    words = {
        f"{kind}_fraud_rate_{days}d": FeatureWords(
            f"fraud rate of {entity} {{}} in {days} day{'s' if days > 1 else ''}", "percent"
        )
        for days in _RATE_DAYS
    }
    words[f"{kind}_frauds_reported_7d"] = FeatureWords(f"{{}} frauds with {entity} reported in 7 days", "count")
    words[f"{kind}_activity_ratio"] = FeatureWords(f"{{}} the usual payments with {entity} in the last day", "times")
    return words


for _kind, _entity in ENTITIES.items():
    WORDS.update(_history_words(_kind, _entity))
for _kind in ("device", "beneficiary", "ip"):
    for _count, _template in _COUNTS:
        WORDS[f"{_kind}_{_count}"] = FeatureWords(_template.format(ENTITIES[_kind]), "count")

_ONE = re.compile(r"\b1 ((?:confirmed |declined |earlier |failed |foreign |known )?)([a-z]+?)s\b")
ATTRIBUTE = re.compile(r"attribute_(?P<name>[a-z][a-z0-9_]*?)(?P<history>_fraud_rate_(?:7|30|90)d|_activity_ratio)?")


@lru_cache(maxsize=1024)
def words_of(name: str) -> FeatureWords:
    """The words of a feature. Raises KeyError for a name that is neither the catalogue's nor an attribute's."""
    known = WORDS.get(name)
    if known is not None:
        return known
    found = ATTRIBUTE.fullmatch(name)
    if found is None:
        raise KeyError(name)
    attribute = found["name"].replace("_", " ")
    if found["history"] is None:
        return FeatureWords(f"{attribute} {{}}", "number", f"{attribute} only {{}}")
    return _history_words("", f"this {attribute}")[found["history"]]


def written(words: FeatureWords, value: float, currency: str, is_low: bool = False) -> str:
    """A number's words with the value put in; the noun of a count of 1 in the singular."""
    text = (words.lowered if is_low else words.raised).format(quantity(words.form, value, currency))
    return _ONE.sub(r"1 \1\2", text) if words.form == "count" and value == 1.0 else text


def in_words(name: str, value: float, currency: str = "") -> str:
    """A feature's value in words, e.g. `amount 5.2x this user's mean`. Raises KeyError for an unknown name."""
    words = words_of(name)
    if value != value:
        return f"{name.replace('_', ' ')} not known"
    if words.form == "flag":
        is_raised = value == 0.0 if name in RAISED_BY_ABSENCE else value != 0.0
        return words.raised if is_raised else words.lowered
    return written(words, value, currency)


RAISED_BY_ABSENCE = frozenset({"used_otp"})
"""Flags that raise a risk where they are 0."""
