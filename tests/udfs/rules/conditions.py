"""How the tests run a condition: one row, compiled, over given values."""

from __future__ import annotations

from typing import Any

from udfs.events import Transaction
from udfs.features.values import named
from udfs.rules.compiler import compile_rows
from udfs.rules.language import parse_condition
from udfs.rules.names import POPULATION_NAMES, Vocabulary

NAN = float("nan")
FEATURES = ("amount", "average", "ratio", "is_new", "count", "km")
VOCABULARY = Vocabulary(FEATURES)


def transaction(**fields: Any) -> Transaction:
    required = {"transaction_id": "T1", "user_id": "U1", "timestamp": 1_767_225_600_000, "amount": 10.0}
    return Transaction(**{**required, **fields})


def hits(text: str, features: dict[str, float] | None = None, **fields: Any) -> bool:
    """Does the condition hit? Features not given are unknown, event fields not given are None."""
    population = dict.fromkeys(POPULATION_NAMES, NAN)
    population.update({name: fields.pop(name) for name in POPULATION_NAMES if name in fields})
    matching = compile_rows([(parse_condition(text, VOCABULARY), None, "row")])
    values = {**dict.fromkeys(FEATURES, NAN), **(features or {})}
    return matching(named(values), transaction(**fields), population) == ["row"]
