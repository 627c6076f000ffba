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


def compute(c: Context) -> tuple[float, ...]:
    minor, scale = c.minor, c.scale
    return (
        c.amount,
        log1p(c.amount),
        minor % scale / scale,
        1.0 if minor and minor % (100 * scale) == 0 else 0.0,
    )
