"""How much of the model's explanation reasons are made from, and what they compare a score with."""

from __future__ import annotations

from typing import Any, Final

from udfs.scoring.bundle import Manifest

CONTRIBUTIONS: Final = 40
"""Number of contributions of each kind that reasons are made from."""
USUAL_FRAUD_RATE: Final = 0.01
"""Used if the bundle's description has no fraud rate."""


def fraud_rate_of(manifest: Manifest) -> float:
    """The share of fraud in the bundle's training data."""
    description: dict[str, Any] = manifest.description
    frauds, transactions = description.get("frauds"), description.get("transactions")
    if isinstance(frauds, int) and isinstance(transactions, int) and 0 < frauds < transactions:
        return frauds / transactions
    return USUAL_FRAUD_RATE
