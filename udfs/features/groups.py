"""Groups of input fields: what a feature needs beyond transaction_id, user_id, timestamp and amount.

Where the input of a group is absent, all features of the group are NaN. So training can drop whole groups from rows,
and a decision can say how much of what the model knows was there.
"""

from __future__ import annotations

from typing import Final

ATTRIBUTE: Final = "attribute:"

INPUTS: Final[dict[str, tuple[str, ...]]] = {
    "merchant": ("merchant_id",),
    "category": ("merchant_category",),
    "merchant_country": ("merchant_country",),
    "channel": ("channel",),
    "entry_mode": ("entry_mode",),
    "otp": ("otp_used",),
    "card": ("card_id",),
    "device": ("device_id",),
    "ip": ("ip_address",),
    "email": ("email_domain",),
    "beneficiary": ("beneficiary_id",),
    "location": ("latitude", "longitude"),
    "city": ("city",),
    "country": ("country", "merchant_country"),
    "stated": ("distance_from_home_km", "account_tenure_months", "txns_last_1h"),
    "profile": (),
    "device_profile": (),
    "feeds": (),
    "logins": (),
    "entity_history": (),
}
"""Group -> the transaction's fields of which at least one is needed; without any, the group comes from elsewhere."""

ELSEWHERE: Final[dict[str, str]] = {
    "profile": "user profiles (users.jsonl, or the store)",
    "device_profile": "device profiles (devices.jsonl, or the store)",
    "feeds": "feeds of IP addresses and e-mail domains (ip_feed.jsonl, domain_feed.jsonl, or the store)",
    "logins": "login events",
    "entity_history": "history of merchants, devices, categories … (`fraud aggregate`, or the entity aggregates job)",
}
"""Where the groups without fields come from, in words."""


def is_group(name: str) -> bool:
    """Is this one of INPUTS, or the group of one attribute?"""
    return name in INPUTS or name.startswith(ATTRIBUTE)
