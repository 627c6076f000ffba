"""The device, the beneficiary and the IP address as others have used them: their own history as of the moment.

Whole hours only, from 5 minutes after their end: what others did in the running hour isn't in it. A week's users are
exact up to 50,000 of them (`CountingSettings.max_users`).
"""

from __future__ import annotations

from udfs.entity_buckets import LONG_RISK_DAYS
from udfs.entity_risk import EntityRisk
from udfs.features.context import NAN, Context
from udfs.features.feature import Feature
from udfs.features.merchant import span_of_rate

(RATE_DAYS,) = LONG_RISK_DAYS
SHARED = ("device", "beneficiary", "ip")

FEATURES = tuple(
    feature
    for what in SHARED
    for feature in (
        Feature(
            f"{what}_user_count_1d",
            "users",
            "distinct users of the 24 hourly buckets that ended by t - 5 minutes",
            groups=(what, "entity_history"),
        ),
        Feature(
            f"{what}_user_count_7d",
            "users",
            "distinct users of the 168 hourly buckets that ended by t - 5 minutes",
            groups=(what, "entity_history"),
        ),
        Feature(
            f"{what}_txn_count_1d",
            "transactions",
            "the 24 hourly buckets that ended by t - 5 minutes",
            groups=(what, "entity_history"),
        ),
        Feature(
            f"{what}_fraud_rate_{RATE_DAYS}d",
            "rate",
            f"(frauds + weight x prior) / (transactions + weight) {span_of_rate(RATE_DAYS)}; unknown without any",
            version=2,
            groups=(what, "entity_history"),
        ),
        Feature(
            f"{what}_frauds_reported_7d",
            "frauds",
            "frauds by the hour they became known in, the 168 hourly buckets that ended by t - 5 minutes",
            groups=(what, "entity_history"),
        ),
    )
)
_UNKNOWN = (NAN, NAN, NAN, NAN, NAN)


def compute(c: Context) -> tuple[float, ...]:
    return (*_of(c.device_risk), *_of(c.beneficiary_risk), *_of(c.ip_risk))


def _of(risk: EntityRisk | None) -> tuple[float, float, float, float, float]:
    if risk is None:
        return _UNKNOWN
    return (
        float(risk.users_1d),
        float(risk.users_7d),
        float(risk.transactions_1d),
        risk.fraud_rates[0],
        risk.frauds_reported_7d,
    )
