"""The user's profile, and what labels and account changes added to it."""

from __future__ import annotations

from udfs.features.context import NAN, Context
from udfs.features.feature import Feature
from udfs.time_units import DAY_MS

FEATURES = (
    Feature(
        "account_age_days",
        "days",
        "t - account opening; else the transaction's account_tenure_months x 30.4375",
        version=2,
        groups=("profile",),
    ),
    Feature("kyc_level", "level", "KYC level of the profile; 0 is unverified", groups=("profile",)),
    Feature("is_vip", "flag", "1 for a VIP", groups=("profile",)),
    Feature(
        "credit_limit_share",
        "share",
        "amount_sum_1d / credit limit; unknown if that is below 0.01",
        groups=("profile",),
    ),
    Feature(
        "monthly_spend_share",
        "share",
        "amount / the profile's average monthly spend; unknown if that is below 0.01",
        groups=("profile",),
    ),
    Feature(
        "prior_fraud_count",
        "frauds",
        "the profile's count, if any, + the user's transactions labelled fraud by t",
        version=2,
    ),
    Feature("days_since_fraud_known", "days", "t - the newest label of fraud of the user; unknown without any"),
    Feature("days_since_unblock", "days", "t - the last unblocking, by profile or by account change"),
    Feature("user_age_years", "years", "(t - date of birth) / 365.25 days", groups=("profile",)),
)
YEAR_MS = 365.25 * DAY_MS
MONTH_DAYS = 30.4375
SMALLEST = 0.01  # a limit or a spend below it is none


def compute(c: Context) -> tuple[float, ...]:
    user, account, time_ms = c.user, c.account, c.time_ms
    confirmed = c.account_log.confirmed_frauds(account, time_ms) if account.fraud_known_ms else 0
    fraud_days = (time_ms - account.fraud_known_ms[confirmed - 1]) / DAY_MS if confirmed else NAN
    unblocked_ms = c.account_log.last_unblocked_ms(account, time_ms) if account.unblocked_ms else None
    stated_months = c.transaction.account_tenure_months
    stated_days = stated_months * MONTH_DAYS if stated_months is not None else NAN
    if user is None:
        return (
            stated_days, NAN, NAN, NAN, NAN, float(confirmed), fraud_days,
            (time_ms - unblocked_ms) / DAY_MS if unblocked_ms is not None else NAN,
            NAN,
        )  # fmt: skip
    opened_at, born_at, day = user.account_opened_at, user.date_of_birth, c.day
    spend, limit = user.avg_monthly_spend or 0.0, user.credit_limit or 0.0
    profile_ms = user.last_unblocked_at
    if profile_ms is not None and profile_ms <= time_ms and (unblocked_ms is None or profile_ms > unblocked_ms):
        unblocked_ms = profile_ms
    return (
        (time_ms - opened_at) / DAY_MS if opened_at is not None else stated_days,
        float(user.kyc_level) if user.kyc_level is not None else NAN,
        NAN if user.is_vip is None else 1.0 if user.is_vip else 0.0,
        day.total / c.scale / limit if day is not None and limit >= SMALLEST else NAN,
        c.minor / round(spend * c.scale, 6) if spend >= SMALLEST else NAN,
        float((user.prior_fraud_count or 0) + confirmed),
        fraud_days,
        (time_ms - unblocked_ms) / DAY_MS if unblocked_ms is not None else NAN,
        (time_ms - born_at) / YEAR_MS if born_at is not None else NAN,
    )
