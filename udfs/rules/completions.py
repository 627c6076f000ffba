"""What an editor can propose in a condition: names with type, unit and meaning, functions, lists, codes and keywords."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from udfs.core import _native
from udfs.features.feature import Feature
from udfs.rules.named_lists import FIELDS_OF_TYPE, Lists
from udfs.rules.names import FUNCTIONS, names_for

KEYWORDS = ("and", "or", "not", "in", "true", "false")

MEANINGS = {
    "transaction_id": "the transaction's id",
    "user_id": "the user's id",
    "currency": "ISO 4217 code; unknown: the base currency",
    "merchant_id": "the merchant's id",
    "merchant_category": "the merchant category code, as a text of four digits",
    "merchant_country": "the merchant's country, two letters",
    "channel": "pos, atm, ecommerce, upi, transfer and others",
    "entry_mode": "chip, contactless, magstripe, manual or online",
    "device_id": "the device's id",
    "session_id": "the session's id",
    "card_id": "the card's id",
    "ip_address": "the IP address",
    "city": "where the transaction happened",
    "country": "where the transaction happened, two letters",
    "beneficiary_id": "who gets the money of a transfer",
    "email_domain": "the domain of the user's e-mail address",
    "kind": "purchase, refund or reversal",
    "auth_result": "approved or declined",
    "timestamp": "event time, epoch milliseconds UTC",
    "latitude": "degrees",
    "longitude": "degrees",
    "original_amount": "the amount in the event's own currency",
    "distance_from_home_km": "as provided by the source",
    "account_tenure_months": "as provided by the source",
    "txns_last_1h": "as provided by the source",
    "otp_used": "whether a one-time password was used",
    "population_amount_p95": "95 % of all transactions have at most this amount",
    "population_km_from_home_p90": "90 % of all transactions are at most this far from the user's home",
    "population_fraud_rate": "known frauds / transactions, of all users",
    "city_fraud_rate": "the same for the event's city",
    "statistics_as_of_ms": "the moment of these statistics, epoch milliseconds",
    "user_verified": "by the newest change of the account's status, or else by the profile's KYC level",
    "sanctioned_parties": "the parties on the block list for a reason with SANCTION; empty without any",
    "high_amount_count_1h": "transactions of an hour above twice the user's mean amount",
    "device_changes_1d": "how often in a day a known device is another than the known one before it",
    "city_changes_1d": "how often in a day a known city is another than the known one before it",
}
UNITS = {
    "timestamp": "epoch milliseconds", "statistics_as_of_ms": "epoch milliseconds", "latitude": "degrees",
    "longitude": "degrees", "original_amount": "currency of the event", "distance_from_home_km": "km",
    "account_tenure_months": "months", "txns_last_1h": "transactions", "population_amount_p95": "base currency",
    "user_verified": "flag", "high_amount_count_1h": "transactions", "device_changes_1d": "changes",
    "city_changes_1d": "changes", "population_km_from_home_p90": "km", "population_fraud_rate": "rate",
    "city_fraud_rate": "rate",
}  # fmt: skip
_TYPES = {"a number": "number", "a text": "text", "true or false": "flag"}


def completions(features: Sequence[Feature], lists: Lists) -> dict[str, Any]:
    """Plain data for JSON. `codes` of `names`: the known values of a field that holds codes."""
    by_name = {feature.name: feature for feature in features}
    codes: dict[str, list[str]] = {field: list(known) for field, known in _native.RULE_CODES}
    names = []
    for name in names_for([*by_name]):
        feature = by_name.get(name.name)
        names.append(
            {
                "name": name.name,
                "type": _TYPES[name.kind.value],
                "source": name.source,
                "unit": UNITS.get(name.name, "") if feature is None else feature.unit,
                "meaning": MEANINGS.get(name.name, "") if feature is None else feature.formula,
                **({"codes": codes[name.name]} if name.name in codes else {}),
            }
        )
    return {
        "names": names,
        "functions": [
            {"name": known.name, "form": known.form, "gives": known.gives, "meaning": known.meaning}
            for known in FUNCTIONS
        ],
        "lists": [
            {
                "name": f"@{name}",
                "type": known.named_list.type,
                "fields": list(FIELDS_OF_TYPE[known.named_list.type]),
                "entries": len(known.named_list.entries),
                "meaning": known.named_list.description,
            }
            for name, known in sorted(lists.items())
        ],
        "keywords": list(KEYWORDS),
    }
