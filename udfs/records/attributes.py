"""Custom attributes (named texts and numbers) on events and user profiles: declaration and reading.

A bundle or a job declares the attributes that it uses; values are validated by `udfs.records.attribute_values`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from udfs.records.attribute_values import is_attribute_name, text_of
from udfs.records.events import Transaction
from udfs.records.profiles import UserProfile

AttributeKind = Literal["text", "number"]
AttributeHolder = Literal["event", "profile"]


class Attribute(msgspec.Struct, frozen=True):
    """Declaration of one attribute. A text is a category with entity history, a number is a feature itself.

    `holder`: whether the value is in the transaction or in the user's profile. Raises ValueError for an invalid name.
    """

    name: str
    kind: AttributeKind
    holder: AttributeHolder

    def __post_init__(self) -> None:
        if not is_attribute_name(self.name):
            raise ValueError(f"attribute {self.name!r}: a name is a-z, then up to 31 of a-z, 0-9 and _")


def attribute_text(attribute: Attribute, transaction: Transaction, profile: UserProfile | None) -> str | None:
    """The attribute's value as text (a number in its shortest form); None if absent."""
    values = _values_of(attribute, transaction, profile)
    if values is None:
        return None
    value = values.get(attribute.name)
    return None if value is None else text_of(value)


def _values_of(
    attribute: Attribute, transaction: Transaction, profile: UserProfile | None
) -> dict[str, str | float] | None:
    if attribute.holder == "event":
        return transaction.attributes
    return None if profile is None else profile.attributes
