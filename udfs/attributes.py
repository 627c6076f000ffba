"""Named texts and numbers of a bank's own, on events and on user profiles: what they are called and how one is read.

What an event or a profile may hold is checked by `udfs.attribute_values`; here is what a bundle or a job declares of it.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from udfs.attribute_values import is_attribute_name, text_of
from udfs.events import Transaction
from udfs.profiles import UserProfile

AttributeKind = Literal["text", "number"]
AttributeHolder = Literal["event", "profile"]


class Attribute(msgspec.Struct, frozen=True):
    """One attribute: a text is a category with a history of its own, a number goes into the model as it is.

    `holder` is where its value stands: in the transaction, or in the user's profile. Raises ValueError for a name that no
    event could hold.
    """

    name: str
    kind: AttributeKind
    holder: AttributeHolder

    def __post_init__(self) -> None:
        if not is_attribute_name(self.name):
            raise ValueError(f"attribute {self.name!r}: a name is a-z, then up to 31 of a-z, 0-9 and _")


def attribute_text(attribute: Attribute, transaction: Transaction, profile: UserProfile | None) -> str | None:
    """The attribute's value as a text (a number in its shortest form), None where there is none."""
    values = _held(attribute, transaction, profile)
    if values is None:
        return None
    value = values.get(attribute.name)
    return None if value is None else text_of(value)


def attribute_number(attribute: Attribute, transaction: Transaction, profile: UserProfile | None) -> float:
    """The attribute's value as a number; NaN where there is none, or where it is a text."""
    values = _held(attribute, transaction, profile)
    if values is None:
        return math.nan
    value = values.get(attribute.name)
    return value if isinstance(value, float) else math.nan


def _held(attribute: Attribute, transaction: Transaction, profile: UserProfile | None) -> dict[str, str | float] | None:
    if attribute.holder == "event":
        return transaction.attributes
    return None if profile is None else profile.attributes
