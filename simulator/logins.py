"""Logins as columns, and account changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from simulator.transactions import Array


@dataclass(frozen=True, slots=True)
class Logins:
    """Columns of equal length: user, time (epoch ms UTC), device, address and city numbers, success (bool)."""

    user: Array
    timestamp_ms: Array
    device: Array
    address: Array
    city: Array
    success: Array

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: Array) -> Logins:
        return Logins(**{column.name: getattr(self, column.name)[rows] for column in fields(Logins)})


@dataclass(frozen=True, slots=True)
class AccountChangeDraft:
    """One change of an account's status; `audit_user` is None where the source does not record it."""

    user: int
    timestamp_ms: int
    old_status: str
    new_status: str
    reason: str
    audit_user: str | None


def concatenate_logins(parts: Sequence[Logins]) -> Logins:
    """All rows of all parts, in order."""
    if not parts:
        empty = np.empty(0, np.int64)
        return Logins(empty, empty, empty, empty, empty, np.empty(0, np.bool_))
    names = [column.name for column in fields(Logins)]
    return Logins(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
