"""Exact number of distinct users of an entity in a sliding span of hours, kept as changes per hour.

A visit in hour h counts the user in every span that ends in [h, h + span). A further visit within that range extends it.
Each user contributes +1 and -1 at the hours where the count changes, and the number of users is the prefix sum:

    span of 4 hours:   h0 u .. h1 .. h2 u .. h3 .. h4 .. h5 .. h6
    changes:           +1                                      -1      (the -1 of h4 was withdrawn by the visit in h2)
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator


def changes_of_visit(visits: list[int], hour: int, span: int) -> list[tuple[int, int]]:
    """Changes (hour, change) of the number of distinct users in the last `span` hours, for one more visit of a user.

    `visits` are the user's other visits around `hour`, ascending and without `hour` itself.
    """
    if not visits or visits[-1] < hour:  # the usual case
        if visits and hour - visits[-1] <= span:
            return [(visits[-1] + span, 1), (hour + span, -1)]
        return [(hour, 1), (hour + span, -1)]
    index = bisect_left(visits, hour)
    before = visits[index - 1] if index else None
    after = visits[index] if index < len(visits) else None
    return [
        *_between(before, hour, span, 1),
        *_between(hour, after, span, 1),
        *_between(before, after, span, -1),
    ]


def _between(before: int | None, after: int | None, span: int, sign: int) -> Iterator[tuple[int, int]]:
    """Changes between two neighbouring visits: none if the second falls into the span of the first."""
    if before is not None and after is not None and after - before <= span:
        return
    if before is not None:
        yield before + span, -sign
    if after is not None:
        yield after, sign
