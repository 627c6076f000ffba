"""On which days a user's compliance flags have been told: once a day of event time (UTC) and kind is enough.

The memory is a user's own, part of the keyed state. Events may come out of order, so it holds the newest day of each
kind and which of the days before it: bit i of `mask` is set when the kind was told on day `newest - i`.
"""

from __future__ import annotations

from collections.abc import Iterable

DAYS_REMEMBERED = 32
_MASK = (1 << DAYS_REMEMBERED) - 1

FlagDays = dict[str, tuple[int, int]]
"""Kind -> (newest day since 1970-01-01, mask)."""


def untold_flags(told: FlagDays, kinds: Iterable[str], day: int) -> tuple[str, ...]:
    """Those of `kinds` that have not been told on `day`. A day too old to be remembered counts as told."""
    return tuple(kind for kind in kinds if not _was_told(told, kind, day))


def learn_flags(told: FlagDays, kinds: Iterable[str], day: int) -> None:
    """Remember that `kinds` were told on `day`."""
    for kind in kinds:
        newest, mask = told.get(kind, (day, 0))
        if day > newest:
            mask = mask << (day - newest) & _MASK if day - newest < DAYS_REMEMBERED else 0
            newest = day
        if newest - day < DAYS_REMEMBERED:
            told[kind] = (newest, mask | 1 << (newest - day))


def _was_told(told: FlagDays, kind: str, day: int) -> bool:
    known = told.get(kind)
    if known is None or day > known[0]:
        return False
    age = known[0] - day
    return age >= DAYS_REMEMBERED or bool(known[1] >> age & 1)
