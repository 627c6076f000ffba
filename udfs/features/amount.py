"""The amount itself."""

from __future__ import annotations

from math import log1p

from udfs.features.context import Context
from udfs.features.feature import Feature

FEATURES = (
    Feature("amount", "base currency", "amount in major units of the base currency, from integer minor units"),
    Feature("amount_log", "ln(base currency)", "ln(1 + amount)"),
    Feature("amount_minor_part", "share", "fraction of a major unit: amount modulo 1"),
    Feature("amount_is_round_hundred", "flag", "1 if the amount is a multiple of 100"),
)


def compute(f: dict[str, float], c: Context) -> None:
    minor = c.minor
    f["amount"] = c.amount
    f["amount_log"] = log1p(c.amount)
    f["amount_minor_part"] = minor % c.scale / c.scale
    f["amount_is_round_hundred"] = 1.0 if minor and minor % (100 * c.scale) == 0 else 0.0
