"""Values as drivers give them, read as moments, numbers, flags and ids."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from customers.values import NO_TIME, values_of

MS = 1_772_366_400_000


@pytest.mark.parametrize(
    "value",
    [
        MS, MS // 1000, float(MS), Decimal(MS), "2026-03-01 12:00:00", "2026-03-01T12:00:00Z", " 2026-03-01T17:30+05:30 ",
        datetime(2026, 3, 1, 12), datetime(2026, 3, 1, 12, tzinfo=UTC),
        datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1))),
    ],
)  # fmt: skip
def test_moments_are_utc_unless_they_say_otherwise(value):
    values = values_of("time", [value, date(2026, 3, 1), "2026-03-01", None, ""])
    assert values.array.tolist() == [MS, MS - 43_200_000, MS - 43_200_000, NO_TIME, NO_TIME]
    assert (values.missing, values.unreadable) == (2, 0)


def test_what_cannot_be_read_is_counted_with_an_example():
    values = values_of("time", ["yesterday", "2026-13-01", 1e300, float("nan"), True, b"\xff", object, "=1"])
    assert (values.missing, values.unreadable, values.example) == (0, 8, "'yesterday'")
    assert set(values.array.tolist()) == {NO_TIME}
    assert values_of("number", ["1.5", Decimal("2"), 3, "x", "nan", "inf", True]).unreadable == 4
    assert values_of("flag", [True, 0, "T", "no", b"\x01", "maybe", 2]).unreadable == 2
    np.testing.assert_array_equal(values_of("flag", [True, 0, "T", "no", b"\x00"]).array, [1.0, 0.0, 1.0, 0.0, 0.0])
    assert values_of("id", [5, 5.0, Decimal("5"), " 5 ", "", None]).array.tolist() == ["5", "5", "5", "5", None, None]


@given(st.lists(st.one_of(st.none(), st.text(), st.binary(), st.integers(), st.floats(), st.decimals(), st.booleans(),
                          st.datetimes(), st.dates())))  # fmt: skip
def test_any_value_is_read_missing_or_unreadable(raw: list[Any]):
    for kind in ("id", "text", "time", "number", "flag"):
        values = values_of(kind, raw)
        assert len(values.array) == len(raw)
        assert values.missing + values.unreadable <= len(raw)
        assert (values.example is None) == (values.unreadable == 0)
