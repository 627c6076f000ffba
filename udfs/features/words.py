"""The texts of a feature."""

from __future__ import annotations

from typing import Literal

import msgspec

Form = Literal[
    "money",
    "times",
    "deviations",
    "count",
    "percent",
    "days",
    "minutes",
    "seconds",
    "km",
    "kmh",
    "number",
    "hour",
    "weekday",
    "flag",
]
"""How a feature's value is written. `days`, `minutes` and `seconds` name the unit of the value."""


class Words(msgspec.Struct, frozen=True):
    """Texts for analysts; `{}` is replaced by the value, written by `form` (udfs/core/src/reasons/quantities.rs).

    raised: for a value that raises the risk. lowered: for a flag's other state, or for a low value of a feature whose high
    and low values can both be evidence; empty for other numbers. unknown: for NaN, with the cause; empty for a feature
    that is always known. field: the transaction's field whose text is appended to a flag's words.
    """

    form: Form
    raised: str
    lowered: str = ""
    unknown: str = ""
    field: str = ""
