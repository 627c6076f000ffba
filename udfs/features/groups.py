"""Input groups: the input that a feature needs beyond transaction_id, user_id, timestamp and amount.

If the input of a group is absent, all features of the group are NaN. Training drops whole groups from some rows, and a
decision's coverage is computed from the groups that were known.
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
"""Group -> fields of the transaction, at least one of which is needed; empty if the group has another source (ELSEWHERE)."""

ELSEWHERE: Final[dict[str, str]] = {
    "profile": "user profiles (users.jsonl, or the store)",
    "device_profile": "device profiles (devices.jsonl, or the store)",
    "feeds": "feeds of IP addresses and e-mail domains (ip_feed.jsonl, domain_feed.jsonl, or the store)",
    "logins": "login events",
    "entity_history": "history of merchants, devices, categories … (`fraud aggregate`, or the entity aggregates job)",
}
"""Source of each group without fields, in words."""


def is_group(name: str) -> bool:
    """Whether the name is a group of INPUTS or that of an attribute."""
    return name in INPUTS or name.startswith(ATTRIBUTE)
