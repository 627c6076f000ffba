"""Which fields of events are dropped where their value cannot be read; the record is kept.

Not the required ones, and not those without which it would be another payment: a purchase, or one in the base currency.
"""

from __future__ import annotations

from typing import Final

import msgspec

from udfs.records.events import EVENT_TYPES

CHANGES_THE_PAYMENT: Final = frozenset({"kind", "currency"})
"""Optional fields that are never dropped."""
DROPPABLE_FIELDS: Final = tuple(
    sorted(
        {
            field.name
            for kind in EVENT_TYPES.values()
            for field in msgspec.structs.fields(kind)
            if not field.required and field.name not in CHANGES_THE_PAYMENT
        }
    )
)
