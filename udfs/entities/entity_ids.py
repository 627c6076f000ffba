"""The entities of a transaction: those it is counted for, and those whose history is read when it is scored.

The order is fixed: merchant, device, beneficiary, ip; then the broad kinds category, channel, entry_mode, merchant_country,
city, category_hour, category_channel, bin; then the text attributes in the order of their declaration. Entities whose
field is missing are left out.
"""

from __future__ import annotations

from udfs.core._native import category_ids
from udfs.entities.buckets import BROAD_KINDS, Entity
from udfs.records.attributes import Attribute, attribute_text
from udfs.records.events import Transaction
from udfs.records.profiles import UserProfile


def entities_of(
    transaction: Transaction, profile: UserProfile | None = None, attributes: tuple[Attribute, ...] = ()
) -> list[Entity]:
    """All entities of a transaction. `profile` is the user's, for attributes of profiles."""
    return narrow_entities_of(transaction) + broad_entities_of(transaction, profile, attributes)


def narrow_entities_of(transaction: Transaction) -> list[Entity]:
    """Entities shared by few users: merchant, device, beneficiary, ip."""
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
    """Entities of the broad kinds."""
    found: list[Entity] = []
    for kind, name in zip(BROAD_KINDS, category_ids(transaction), strict=False):  # attributes, the last kind, follow
        if name is not None:
            found.append(Entity(kind, name))
    for attribute in attributes:
        name = attribute_id(attribute, transaction, profile)
        if name is not None:
            found.append(Entity("attribute", name))
    return found


def attribute_id(attribute: Attribute, transaction: Transaction, profile: UserProfile | None) -> str | None:
    """The entity id of a text attribute, `name=value`; None without a value, and for number attributes."""
    if attribute.kind != "text":
        return None
    text = attribute_text(attribute, transaction, profile)
    return None if text is None else f"{attribute.name}={text}"
