"""Alerts as the core is asked for their reasons: by default of a user with 48 payments of about 41 USD and ordinary
features, which tests override.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import nan
from typing import Any, NamedTuple

from udfs.core._native import ReasonCatalogue
from udfs.features.catalogue import NAMES
from udfs.records.events import Transaction
from udfs.records.outputs import Reason
from udfs.records.profiles import BlockEntry
from udfs.scoring.model import clock

CATALOGUE = ReasonCatalogue([("card_type", True), ("bank_score", False)])
ALL_NAMES = tuple(name for name, _, _ in CATALOGUE.features())
"""The catalogue's names and those of two attributes."""

NIGHT_MS = 1_767_233_520_000  # 2026-01-01 02:12 UTC
ORDINARY = {
    "amount": 40.0, "user_txn_count": 48.0, "user_txn_count_30d": 30.0, "user_avg_amount": 41.0, "user_std_amount": 20.0,
    "user_max_amount": 110.0, "user_avg_amount_30d": 41.0, "user_std_amount_30d": 20.0, "amount_vs_user_avg": 40 / 41,
    "user_txn_per_day": 1.25, "user_days_known": 60.0, "user_night_share": 0.02, "hour_local": 14.0, "is_night": 0.0,
    "known_device_count": 2.0, "txn_count_5m": 1.0, "txn_count_1h": 1.0, "txn_count_1d": 2.0, "is_new_device": 0.0,
    "device_days_known": 50.0, "km_from_last": 3.0, "speed_kmh": 0.0, "seconds_since_last": 40_000.0,
}  # fmt: skip
QUANTILES: dict[str, tuple[float | None, ...]] = {
    "amount": (1.0, 3.0, 12.0, 30.0, 70.0, 320.0, 900.0),
    "amount_vs_user_avg": (0.02, 0.1, 0.4, 0.8, 1.3, 2.6, 5.0),
    "amount_zscore": (-1.5, -1.2, -0.6, -0.2, 0.4, 2.0, 4.0),
    "txn_count_5m": (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0),
    "txn_count_1h": (1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 3.0),
    "txn_count_1d": (1.0, 1.0, 1.0, 2.0, 3.0, 5.0, 8.0),
    "is_new_device": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    "is_new_merchant": (0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0),
    "is_online_channel": (0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0),
    "is_manual_entry": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    "is_night": (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
    "merchant_fraud_rate_7d": (0.001, 0.002, 0.005, 0.01, 0.01, 0.018, 0.04),
    "merchant_fraud_rate_30d": (0.001, 0.002, 0.005, 0.01, 0.01, 0.018, 0.04),
    "account_age_days": (5.0, 40.0, 300.0, 900.0, 1500.0, 3000.0, 4000.0),
    "speed_kmh": (0.0, 0.0, 0.1, 1.0, 5.0, 60.0, 300.0),
    "used_otp": (0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0),
}


class RuleHit(NamedTuple):
    """A rule that hit. `share`: its part of the points of all hits. `names`: what its condition reads."""

    id: str
    text: str
    share: float
    names: tuple[str, ...]
    forces: bool = False


class ScoreParts(NamedTuple):
    """Parts of the score in log-odds: the model's relative to the base rate, the rules', the anomaly's."""

    model: float
    rules: float
    anomaly: float = 0.0


class AlertInputs(NamedTuple):
    """What the core knows of an alert (udfs/core/src/reasons/inputs.rs). `features` are by name; others are unknown."""

    transaction: Transaction
    features: Mapping[str, float]
    probability: float
    parts: ScoreParts
    contributions: Sequence[tuple[str, float]] = ()
    deviations: Sequence[tuple[str, float]] = ()
    hits: Sequence[RuleHit] = ()
    flags: Mapping[str, str] = {}
    blocked: Sequence[BlockEntry] = ()
    unusual: bool = False
    quantiles: Mapping[str, tuple[float | None, ...]] | None = None
    base_currency: str = "USD"
    base_rate: float = 0.01
    timezone: str = "UTC"
    limit: int = 8


def alert_reasons(inputs: AlertInputs) -> tuple[list[Reason], str]:
    """The core's reasons and summary."""
    values = [inputs.features.get(name, nan) for name in ALL_NAMES]
    local_time = clock(inputs.timezone, inputs.transaction.timestamp)
    reasons, summary = CATALOGUE.alert_reasons(inputs, values, local_time)
    return [Reason(*reason) for reason in reasons], summary


def features_of(**changes: float) -> dict[str, float]:
    """Ordinary features with changes; all others are unknown."""
    return {name: changes.get(name, ORDINARY.get(name, nan)) for name in NAMES}


def alert(features: Mapping[str, float] | None = None, **fields: Any) -> AlertInputs:
    """An alert of probability 0.8, by default with 6 log-odds from the model and none from the rules."""
    transaction = fields.pop("transaction", None) or Transaction(
        transaction_id="T1", user_id="U1", timestamp=NIGHT_MS, amount=40.0, merchant_id="M1"
    )
    values: dict[str, Any] = {
        "transaction": transaction, "features": features or features_of(), "probability": 0.8,
        "parts": ScoreParts(model=6.0, rules=0.0), "quantiles": QUANTILES, **fields,
    }  # fmt: skip
    return AlertInputs(**values)


def hit(rule_id: str, text: str, *names: str, share: float = 1.0, forces: bool = False) -> RuleHit:
    return RuleHit(rule_id, text, share, names, forces)
