"""How numbers and names are written."""

from __future__ import annotations

import pytest

from reporting import words


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "—"), (0.0, "0%"), (1.0, "100%"), (0.873, "87.3%"), (0.0123, "1.2%"), (0.00994, "0.99%"), (0.00996, "1.0%"),
        (0.0053, "0.53%"), (0.00001, "<0.01%"), (0.99949, "99.9%"), (0.99999, ">99.9%"),
    ],
)  # fmt: skip
def test_a_percentage_never_rounds_to_nothing_or_all(share: float | None, text: str) -> None:
    assert words.percent(share) == text


def test_numbers_have_thousands_separators_and_no_needless_digits() -> None:
    assert words.count(1234567) == "1,234,567"
    assert [words.amount(value) for value in (None, 0.0, 12.345, 999.994, 1000.0, 1234567.8)] == [
        "—", "0", "12.35", "999.99", "1,000", "1,234,568",
    ]  # fmt: skip
    assert [words.rate(value) for value in (None, 4.0, 11834.2)] == ["—", "4.0/s", "11,834/s"]
    assert [words.milliseconds(value) for value in (None, 0.0125, 9.84, 1234.5)] == [
        "—", "0.013 ms", "9.8 ms", "1,234 ms",
    ]  # fmt: skip
    assert [words.plural(number, "fraud") for number in (0, 1, 2000)] == ["0 frauds", "1 fraud", "2,000 frauds"]


def test_moments_are_utc() -> None:
    assert words.moment(1_767_225_600_000) == "2026-01-01 00:00"
    assert words.second(253_402_300_799_999) == "9999-12-31 23:59:59"
    assert words.moment(253_402_300_799_999) == "9999-12-31 23:59"


def test_what_would_not_print_is_marked() -> None:
    assert words.visible("a\x1b[31mb\u202ec\x00 \n d") == "a�[31mb�c� d"
    assert words.shortened("abcdef", 4) == "abc…"
