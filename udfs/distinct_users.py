"""How many distinct users an entity had in a span that ends with any hour, exactly, from changes alone.

A user who came in hour h is one of the span's users for every end from h on, until `span` hours later. Whoever comes
again in between stays. So each user is known by the hours when the count goes up and down, and those are summed:

    span of 4 hours:   h0 u .. h1 .. h2 u .. h3 .. h4 .. h5 .. h6
    changes:           +1                                      -1      (h4's -1 was taken back when u came in h2)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator


def changes_of_visit(visits: list[int], hour: int, span: int) -> list[tuple[int, int]]:
    """(hour, change) of the number of distinct users in the last `span` hours, for one more visit of a user whose other
    visits around that hour are `visits` (ascending, without it)."""
    if not visits or visits[-1] < hour:  # as nearly always
        if visits and hour - visits[-1] <= span:
            return [(visits[-1] + span, 1), (hour + span, -1)]
        return [(hour, 1), (hour + span, -1)]
    place = bisect_left(visits, hour)
    before = visits[place - 1] if place else None
    after = visits[place] if place < len(visits) else None
    return [
        *_between(before, hour, span, 1),
        *_between(hour, after, span, 1),
        *_between(before, after, span, -1),
    ]


def _between(before: int | None, after: int | None, span: int, sign: int) -> Iterator[tuple[int, int]]:
    """What two neighbouring visits contribute: nothing if the second falls in the first one's span."""
    if before is not None and after is not None and after - before <= span:
        return
    if before is not None:
        yield before + span, -sign
    if after is not None:
        yield after, sign
