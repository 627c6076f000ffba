"""Searching sorted times from their end: what is asked for is mostly recent, and so is what the processor has at hand."""

from __future__ import annotations


def first_after(times: list[int], moment: int) -> int:
    """The position of the first of the sorted times that is later than `moment`; as bisect_right gives it."""
    after = len(times)
    at = after - 1
    step = 1
    while at >= 0 and times[at] > moment:
        after = at
        at -= step
        step += step
    at += 1
    if at < 0:
        at = 0
    while at < after:
        middle = (at + after) // 2
        if times[middle] > moment:
            after = middle
        else:
            at = middle + 1
    return after
