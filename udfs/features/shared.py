"""The device, the beneficiary and the IP address as others have used them: their own history as of the moment.

Whole hours only, from 5 minutes after their end: what others did in the running hour isn't in it. A week's users are
exact up to 50,000 of them (`CountingSettings.max_users`).
"""

from __future__ import annotations

from udfs.entity_buckets import LONG_RISK_DAYS, EntityRisk
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
            f"{what}_user_count_1d", "users", "distinct users of the 24 hourly buckets that ended by t - 5 minutes"
        ),
        Feature(
            f"{what}_user_count_7d", "users", "distinct users of the 168 hourly buckets that ended by t - 5 minutes"
        ),
        Feature(f"{what}_txn_count_1d", "transactions", "the 24 hourly buckets that ended by t - 5 minutes"),
        Feature(
            f"{what}_fraud_rate_{RATE_DAYS}d",
            "rate",
            f"(frauds + weight x prior) / (transactions + weight) {span_of_rate(RATE_DAYS)}",
        ),
    )
)
_NAMES = tuple(tuple(feature.name for feature in FEATURES[place : place + 4]) for place in (0, 4, 8))


def compute(f: dict[str, float], c: Context) -> None:
    _write(f, _NAMES[0], c.device_risk)
    _write(f, _NAMES[1], c.beneficiary_risk)
    _write(f, _NAMES[2], c.ip_risk)


def _write(f: dict[str, float], names: tuple[str, ...], risk: EntityRisk | None) -> None:
    users_1d, users_7d, transactions_1d, rate = names
    if risk is None:
        f[users_1d] = f[users_7d] = f[transactions_1d] = f[rate] = NAN
        return
    f[users_1d] = float(risk.users_1d)
    f[users_7d] = float(risk.users_7d)
    f[transactions_1d] = float(risk.transactions_1d)
    f[rate] = risk.fraud_rates[0]
