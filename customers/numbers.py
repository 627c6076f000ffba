"""The numbers of a profile, with what they mean. Conditions read them by name."""

from __future__ import annotations

NUMBERS: dict[str, str] = {
    "signup_missing": "1 if the customer has no readable moment of sign-up",
    "signup_in_future": "1 if it is after the moment of the profile",
    "days_since_signup": "days from sign-up to the moment of the profile",
    "accounts": "accounts",
    "accounts_before_signup": "accounts opened before the customer signed up",
    "accounts_in_future": "accounts opened after the moment of the profile",
    "devices": "registered devices",
    "devices_used_before_registered": "devices last used before they were registered",
    "devices_registered_in_future": "devices registered after the moment of the profile",
    "inactive_devices": "devices that are not active, or were not used for `inactive_after_days`",
    "logins": "logins, failed ones included",
    "logins_30d": "logins of the last 30 days",
    "failed_logins": "failed logins",
    "failed_logins_1d": "failed logins of the last 24 hours",
    "most_failed_logins_1d": "the most failed logins within any 24 hours",
    "login_city_changes": "logins from another known city than the known one before it",
    "login_cities": "different known cities of logins",
    "login_devices": "different known devices of logins",
    "days_since_login": "days since the newest login",
    "transactions": "transactions",
    "transactions_30d": "transactions of the last 30 days",
    "transactions_365d": "transactions of the last 365 days",
    "amount_30d": "their amounts of the last 30 days",
    "amount_365d": "their amounts of the last 365 days",
    "largest_amount": "the greatest amount of a transaction",
    "transaction_cities": "different known cities of transactions",
    "transaction_devices": "different known devices of transactions",
    "days_since_transaction": "days since the newest transaction",
}
UNKNOWN_AT_FIRST = frozenset({"days_since_signup", "days_since_login", "days_since_transaction", "largest_amount"})
"""Not known until something says it; all others are counts and begin at 0."""
