"""Whom a transaction counts for, and whose history is read for it: one definition for writer and reader.

The order is fixed: merchant, device, beneficiary, ip; then the broad kinds category, channel, entry_mode, merchant_country,
city, category_hour, category_channel, bin; then the text attributes in the order in which they were declared. What the
transaction does not tell is left out.
"""

from __future__ import annotations

from typing import Final

from udfs.attributes import Attribute, attribute_text
from udfs.entity_buckets import BROAD_KINDS, Entity
from udfs.events import Transaction
from udfs.profiles import UserProfile
from udfs.time_units import HOUR_MS

BIN_LENGTH: Final = 6


def entities_of(
    transaction: Transaction, profile: UserProfile | None = None, attributes: tuple[Attribute, ...] = ()
) -> list[Entity]:
    """All of them. `profile` is the user's, for the attributes that profiles hold."""
    return narrow_entities_of(transaction) + broad_entities_of(transaction, profile, attributes)


def narrow_entities_of(transaction: Transaction) -> list[Entity]:
    """Those that few users share: merchant, device, beneficiary, ip."""
    found: list[Entity] = []
    if transaction.merchant_id is not None:
        found.append(Entity("merchant", transaction.merchant_id))
    if transaction.device_id is not None:
        found.append(Entity("device", transaction.device_id))
    if transaction.beneficiary_id is not None:
        found.append(Entity("beneficiary", transaction.beneficiary_id))
    if transaction.ip_address is not None:
        found.append(Entity("ip", transaction.ip_address))
    return found


def broad_entities_of(
    transaction: Transaction, profile: UserProfile | None = None, attributes: tuple[Attribute, ...] = ()
) -> list[Entity]:
    """Those of the broad kinds."""
    found: list[Entity] = []
    for kind, name in zip(BROAD_KINDS, broad_ids(transaction), strict=False):  # attributes, the last kind, follow
        if name is not None:
            found.append(Entity(kind, name))
    for attribute in attributes:
        name = attribute_id(attribute, transaction, profile)
        if name is not None:
            found.append(Entity("attribute", name))
    return found


def broad_ids(transaction: Transaction) -> list[str | None]:
    """The id of each of BROAD_KINDS but the last, attribute; None where the transaction does not tell it."""
    category, channel, card_id = transaction.merchant_category, transaction.channel, transaction.card_id
    by_hour: str | None = None
    by_channel: str | None = None
    if category is not None:
        by_hour = f"{category}|{transaction.timestamp // HOUR_MS % 24}"
        if channel is not None:
            by_channel = f"{category}|{channel}"
    return [
        category,
        channel,
        transaction.entry_mode,
        transaction.merchant_country or None,
        transaction.city or None,
        by_hour,
        by_channel,
        None if card_id is None else _bin_of(card_id),
    ]


def attribute_id(attribute: Attribute, transaction: Transaction, profile: UserProfile | None) -> str | None:
    """The id of a text attribute's value; None where there is no value, and for a number."""
    if attribute.kind != "text":
        return None
    text = attribute_text(attribute, transaction, profile)
    return None if text is None else f"{attribute.name}={text}"


def _bin_of(card_id: str) -> str | None:
    """The issuer's digits; an id that does not begin with so many digits is a token, and tells no issuer."""
    start = card_id[:BIN_LENGTH]
    return start if len(start) == BIN_LENGTH and start.isdecimal() else None
