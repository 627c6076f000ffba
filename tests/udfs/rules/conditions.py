"""Helpers that evaluate a single condition or reason in the core."""

from __future__ import annotations

from typing import Any

from udfs.core import _native
from udfs.records.events import Transaction
from udfs.rules.names import POPULATION_NAMES

NAN = float("nan")
FEATURES = ("amount", "average", "ratio", "is_new", "count", "km")


def transaction(**fields: Any) -> Transaction:
    required = {"transaction_id": "T1", "user_id": "U1", "timestamp": 1_767_225_600_000, "amount": 10.0}
    return Transaction(**{**required, **fields})


def values_of(features: dict[str, float] | None = None) -> list[float]:
    """The values of FEATURES in their order; missing ones are unknown."""
    return [(features or {}).get(name, NAN) for name in FEATURES]


def truth_of(text: Any, features: dict[str, float] | None = None, **fields: Any) -> bool | None:
    """What a condition says; None is unknown. Missing features are unknown, missing event fields None."""
    population = {name: fields.pop(name) for name in POPULATION_NAMES if name in fields}
    return _native.condition_truth(text, list(FEATURES), values_of(features), transaction(**fields), population)


def hits(text: str, features: dict[str, float] | None = None, **fields: Any) -> bool:
    """Whether the condition and its opposite agree on it, and the condition hits."""
    truth = truth_of(text, features, **fields)
    opposite = truth_of(f"not ({text})", features, **fields)
    assert opposite is (None if truth is None else not truth)
    return truth is True


def reason_of(text: Any, features: dict[str, float] | None = None, **fields: Any) -> str:
    """A reason's text with the values of a transaction."""
    population = {name: fields.pop(name) for name in POPULATION_NAMES if name in fields}
    return _native.reason_text(text, list(FEATURES), values_of(features), transaction(**fields), population)
