"""The merchant: new to this user or not, and its own history as of the moment (hourly buckets, delayed labels)."""

from __future__ import annotations

from udfs.entity_buckets import RISK_DAYS
from udfs.entity_risk import EntityRisk
from udfs.features.context import NAN, Context
from udfs.features.feature import Feature
from udfs.time_units import DAY_MS

MERCHANT_HISTORY = ("merchant", "entity_history")


def span_of_rate(days: int) -> str:
    """The words for the buckets of a fraud rate."""
    since = "" if days <= 7 else ", from the UTC midnight before them"
    return f"over the {days * 24} hourly buckets that ended by t - label delay{since}"


FEATURES = (
    Feature(
        "is_new_merchant", "flag", "1 if the merchant is not among the user's known merchants", groups=("merchant",)
    ),
    Feature(
        "is_new_category",
        "flag",
        "1 if the merchant category is not among the user's known categories",
        groups=("category",),
    ),
    Feature(
        "is_new_beneficiary",
        "flag",
        "1 if the beneficiary is not among the user's known beneficiaries",
        groups=("beneficiary",),
    ),
    *(
        Feature(
            f"merchant_fraud_rate_{days}d",
            "rate",
            f"(frauds + weight x prior) / (transactions + weight) {span_of_rate(days)}; unknown without any",
            version=3,
            groups=MERCHANT_HISTORY,
        )
        for days in RISK_DAYS
    ),
    Feature(
        "merchant_txn_count_1d",
        "transactions",
        "the 24 hourly buckets that ended by t - 5 minutes",
        groups=MERCHANT_HISTORY,
    ),
    Feature(
        "merchant_txn_count_7d",
        "transactions",
        "the 168 hourly buckets that ended by t - 5 minutes",
        groups=MERCHANT_HISTORY,
    ),
    Feature(
        "merchant_user_count_1d",
        "users",
        "distinct users of those 24 buckets together",
        version=2,
        groups=MERCHANT_HISTORY,
    ),
    Feature(
        "merchant_days_known",
        "days",
        "t - the merchant's first bucket or registered first sight",
        groups=MERCHANT_HISTORY,
    ),
    Feature(
        "merchant_activity_ratio", "ratio", "7 x merchant_txn_count_1d / merchant_txn_count_7d", groups=MERCHANT_HISTORY
    ),
    Feature(
        "merchant_frauds_reported_7d",
        "frauds",
        "frauds by the hour they became known in, the 168 hourly buckets that ended by t - 5 minutes",
        groups=MERCHANT_HISTORY,
    ),
    Feature(
        "merchant_days_since_fraud",
        "days",
        "t - the UTC day of the newest fraud in the buckets of merchant_fraud_rate_30d; unknown without any",
        groups=MERCHANT_HISTORY,
    ),
    Feature(
        "merchant_fraud_run_days",
        "days",
        "t - the first day of the run of days with fraud, at most 7 days apart, that ends with that day",
        groups=MERCHANT_HISTORY,
    ),
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
        NAN if risk is None else activity_ratio(risk),
        NAN if risk is None else risk.frauds_reported_7d,
        NAN if risk is None else (c.time_ms - risk.fraud_day_ms) / DAY_MS,
        NAN if risk is None else (c.time_ms - risk.fraud_run_ms) / DAY_MS,
    )


def activity_ratio(risk: EntityRisk) -> float:
    """Is the last day busier than the days of its week? NaN for a week without anything."""
    return 7.0 * risk.transactions_1d / risk.transactions_7d if risk.transactions_7d else NAN
