"""Transactions as columns: each field is an array, names are indexes into tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

NONE = -1
NOT_FRAUD = -1
CHANNELS = ("pos", "atm", "ecommerce", "upi", "transfer")
POS, ATM, ECOMMERCE, UPI, TRANSFER_CHANNEL = range(5)
ENTRY_MODES = ("chip", "contactless", "magstripe", "manual", "online")
CHIP, CONTACTLESS, MAGSTRIPE, MANUAL, ONLINE_ENTRY = range(5)
KINDS = ("purchase", "refund", "reversal")
PURCHASE, REFUND, REVERSAL = range(3)
AUTH_RESULTS = ("approved", "declined")
APPROVED, DECLINED = range(2)
DEGREE_PARTS = 10_000

DTYPES: dict[str, type] = {
    "user": np.int32,
    "timestamp_ms": np.int64,
    "amount_minor": np.int64,
    "merchant": np.int32,
    "channel": np.int8,
    "entry_mode": np.int8,
    "device": np.int32,
    "address": np.int32,
    "city": np.int16,
    "latitude_parts": np.int32,
    "longitude_parts": np.int32,
    "otp": np.int8,
    "beneficiary": np.int32,
    "domain": np.int16,
    "auth_result": np.int8,
    "kind": np.int8,
    "logs_in": np.bool_,
    "session": np.int32,
    "currency": np.int8,
    "pattern": np.int16,
}


@dataclass(slots=True)
class Transactions:
    """Columns of equal length, dtypes as in DTYPES; NONE (-1) marks an absent value.

    `amount_minor` is in minor units of `currency`; `latitude_parts` and `longitude_parts` are in 1/10,000 degree and
    undefined where `city` is NONE; `address` is an IP address; `logs_in` requests a login at the start of the session;
    `pattern` is NOT_FRAUD or the index of the fraud pattern in the simulation's list.
    """

    user: Array
    timestamp_ms: Array
    amount_minor: Array
    merchant: Array
    channel: Array
    entry_mode: Array
    device: Array
    address: Array
    city: Array
    latitude_parts: Array
    longitude_parts: Array
    otp: Array
    beneficiary: Array
    domain: Array
    auth_result: Array
    kind: Array
    logs_in: Array
    session: Array
    currency: Array
    pattern: Array

    def __post_init__(self) -> None:
        for name, dtype in DTYPES.items():
            setattr(self, name, np.asarray(getattr(self, name)).astype(dtype, copy=False))

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: Array | slice) -> Transactions:
        """The selected rows: a copy, or a view for a slice."""
        return Transactions(**{name: getattr(self, name)[rows] for name in DTYPES})


def concatenate(parts: Sequence[Transactions]) -> Transactions:
    """All rows of all parts, in order."""
    if not parts:
        return Transactions(**{name: np.empty(0, dtype) for name, dtype in DTYPES.items()})
    return Transactions(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in DTYPES})


assert tuple(field.name for field in fields(Transactions)) == tuple(DTYPES)
