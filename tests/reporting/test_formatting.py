"""Formatting of numbers, times and names."""

from __future__ import annotations

import pytest

from reporting import formatting


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "—"), (0.0, "0%"), (1.0, "100%"), (0.873, "87.3%"), (0.0123, "1.2%"), (0.00994, "0.99%"), (0.00996, "1.0%"),
        (0.0053, "0.53%"), (0.00001, "<0.01%"), (0.99949, "99.9%"), (0.99999, ">99.9%"),
    ],
)  # fmt: skip
def test_percentages_never_round_to_0_or_100(share: float | None, text: str) -> None:
    assert formatting.percent(share) == text


def test_numbers_have_thousands_separators_and_limited_digits() -> None:
    assert formatting.count(1234567) == "1,234,567"
    assert [formatting.amount(value) for value in (None, 0.0, 12.345, 999.994, 1000.0, 1234567.8)] == [
        "—", "0", "12.35", "999.99", "1,000", "1,234,568",
    ]  # fmt: skip
    assert [formatting.rate(value) for value in (None, 4.0, 11834.2)] == ["—", "4.0/s", "11,834/s"]
    assert [formatting.milliseconds(value) for value in (None, 0.0125, 9.84, 1234.5)] == [
        "—", "0.013 ms", "9.8 ms", "1,234 ms",
    ]  # fmt: skip
    assert [formatting.plural(number, "fraud") for number in (0, 1, 2000)] == ["0 frauds", "1 fraud", "2,000 frauds"]


def test_times_are_utc() -> None:
    assert formatting.moment(1_767_225_600_000) == "2026-01-01 00:00"
    assert formatting.second(253_402_300_799_999) == "9999-12-31 23:59:59"
    assert formatting.moment(253_402_300_799_999) == "9999-12-31 23:59"


def test_unprintable_characters_are_replaced() -> None:
    assert formatting.visible("a\x1b[31mb\u202ec\x00 \n d") == "a�[31mb�c� d"
    assert formatting.shortened("abcdef", 4) == "abc…"
