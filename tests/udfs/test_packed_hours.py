"""Packed hours are searched as the standard library searches the list."""

from __future__ import annotations

from bisect import bisect_left

import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.packed_hours import LONGEST_HOURS, hours_before, pack_hours

HOUR = 491_234
rising = st.lists(st.integers(0, LONGEST_HOURS), unique=True, max_size=40).map(sorted)


@given(rising, st.integers(-10, HOUR), st.data())
def test_as_many_hours_are_before_one_as_bisect_finds(offsets: list[int], first: int, data: st.DataObject) -> None:
    hours = [first + offset - offsets[0] for offset in offsets]
    sought = data.draw(st.sampled_from([*hours, *(hour + 1 for hour in hours), *(hour - 1 for hour in hours), 0, HOUR]))
    until = data.draw(st.integers(0, len(hours)))
    found = hours_before(pack_hours(hours), hours[0] if hours else 0, sought, until)
    assert found == bisect_left(hours, sought, 0, until)


def test_hours_that_span_too_much_are_refused() -> None:
    assert hours_before(pack_hours([HOUR, HOUR + LONGEST_HOURS]), HOUR, HOUR + LONGEST_HOURS, 2) == 1
    with pytest.raises(OverflowError):
        pack_hours([HOUR, HOUR + LONGEST_HOURS + 1])
