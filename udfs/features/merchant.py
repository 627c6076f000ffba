"""The merchant: new to this user or not, and its own history as of the moment (hourly buckets, delayed labels)."""

from __future__ import annotations

from udfs.entity_buckets import RISK_DAYS
from udfs.features.context import NAN, Context
from udfs.features.feature import Feature
from udfs.time_units import DAY_MS


def span_of_rate(days: int) -> str:
    """The words for the buckets of a fraud rate."""
    since = "" if days <= 7 else ", from the UTC midnight before them"
    return f"over the {days * 24} hourly buckets that ended by t - label delay{since}"


FEATURES = (
    Feature("is_new_merchant", "flag", "1 if the merchant is not among the user's known merchants"),
    Feature("is_new_category", "flag", "1 if the merchant category is not among the user's known categories"),
    Feature("is_new_beneficiary", "flag", "1 if the beneficiary is not among the user's known beneficiaries"),
    *(
        Feature(
            f"merchant_fraud_rate_{days}d",
            "rate",
            f"(frauds + weight x prior) / (transactions + weight) {span_of_rate(days)}",
            version=2,
        )
        for days in RISK_DAYS
    ),
    Feature("merchant_txn_count_1d", "transactions", "the 24 hourly buckets that ended by t - 5 minutes"),
    Feature("merchant_txn_count_7d", "transactions", "the 168 hourly buckets that ended by t - 5 minutes"),
    Feature("merchant_user_count_1d", "users", "distinct users of those 24 buckets together", version=2),
    Feature("merchant_days_known", "days", "t - the merchant's first bucket or registered first sight"),
)
_UNKNOWN_RATES = (NAN,) * len(RISK_DAYS)


def compute(c: Context) -> tuple[float, ...]:
    transaction, habits, risk = c.transaction, c.habits, c.merchant_risk
    merchant_id, category = transaction.merchant_id, transaction.merchant_category
    beneficiary_id = transaction.beneficiary_id
    first_ms = c.merchant.first_seen_at if c.merchant is not None else None
    if first_ms is None and risk is not None:
        first_ms = risk.first_seen_ms
    return (
        NAN if merchant_id is None else 0.0 if merchant_id in habits.merchants else 1.0,
        NAN if category is None else 0.0 if category in habits.categories else 1.0,
        NAN if beneficiary_id is None else 0.0 if beneficiary_id in habits.beneficiaries else 1.0,
        *(_UNKNOWN_RATES if risk is None else risk.fraud_rates),
        NAN if risk is None else float(risk.transactions_1d),
        NAN if risk is None else float(risk.transactions_7d),
        NAN if risk is None else float(risk.users_1d),
        (c.time_ms - first_ms) / DAY_MS if first_ms is not None and first_ms <= c.time_ms else NAN,
    )
