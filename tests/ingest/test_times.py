"""Times by hand: every format, wall-clock times of a zone, and the ends of the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from ingest.errors import UnreadableValue
from ingest.readers.moment import MIN_DATE_MS, MomentReader

TEN = 1_706_781_600_000  # 2024-02-01T10:00:00Z
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("2024-02-01T10:00:00Z", TEN),
        ("2024-02-01 10:00:00", TEN),
        ("2024-02-01T11:00:00+01:00", TEN),
        ("20240201T100000Z", TEN),
        ("2024-02-01T10:00:00.123456Z", TEN + 123),
        ("2024-02-01T10:00:00.9999Z", TEN + 999),
        (" 2024-02-01 ", TEN - 36_000_000),
        ("1970-01-01T00:00:00Z", 0),
        ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
    ],
)
def test_iso_texts(text: str, milliseconds: int) -> None:
    assert MomentReader()(text) == milliseconds


@pytest.mark.parametrize(
    ("time_format", "value", "milliseconds"),
    [
        ("epoch_s", 1_706_781_600, TEN),
        ("epoch_s", "1706781600", TEN),
        ("epoch_s", 1_706_781_600.25, TEN + 250),
        ("epoch_s", "1706781600.0019", TEN + 1),
        ("epoch_ms", TEN, TEN),
        ("epoch_ms", "1706781600000", TEN),
        ("epoch_ms", 1.7067816e12, TEN),
        ("epoch_us", TEN * 1000 + 999, TEN),
        ("%d.%m.%Y %H:%M", "01.02.2024 10:00", TEN),
        ("%m/%d/%Y %I:%M %p", "02/01/2024 10:00 AM", TEN),
        ("%Y-%m-%d %H:%M:%S %z", "2024-02-01 12:00:00 +0200", TEN),
    ],
)
def test_other_formats(time_format: str, value: object, milliseconds: int) -> None:
    assert MomentReader(time_format)(value) == milliseconds


def test_native_dates_and_times_need_no_format() -> None:
    for time_format in ("iso", "epoch_s", "%d.%m.%Y"):
        read = MomentReader(time_format)
        assert read(datetime(2024, 2, 1, 10, tzinfo=UTC)) == TEN
        assert read(datetime(2024, 2, 1, 10)) == TEN
        assert read(date(2024, 2, 1)) == TEN - 36_000_000


@pytest.mark.parametrize(
    ("wall_clock", "utc"),
    [
        ("2024-02-01 11:00:00", "2024-02-01T10:00:00Z"),
        ("2024-07-01 12:00:00", "2024-07-01T10:00:00Z"),
        ("2024-10-27 02:30:00", "2024-10-27T00:30:00Z"),  # happens twice: the earlier one
        ("2024-03-31 02:30:00", "2024-03-31T01:30:00Z"),  # never happens: by the offset before
        ("2024-02-01T10:00:00Z", "2024-02-01T10:00:00Z"),  # an offset of its own wins
    ],
)
def test_wall_clock_times_of_a_zone(wall_clock: str, utc: str) -> None:
    assert MomentReader(zone=BERLIN)(wall_clock) == MomentReader()(utc)


@pytest.mark.parametrize(
    "value", ["1969-12-31T23:59:59.999Z", "0001-01-01", "10000-01-01", "yesterday", "", True, [1], "\u0661"]
)
def test_what_is_no_time_of_an_event_is_refused(value: object) -> None:
    with pytest.raises(UnreadableValue, match=r"^an ISO 8601 time between the years 1970 and 9999"):
        MomentReader()(value)


def test_a_number_where_iso_is_expected_says_which_format_to_set() -> None:
    with pytest.raises(UnreadableValue, match=r"\(for numbers set `format: epoch_s` or `epoch_ms`\)"):
        MomentReader()(1_706_781_600)


@pytest.mark.parametrize("value", ["-1", -1, "inf", float("inf"), 10**30, "1_000", True, "1" * 100])
def test_what_is_no_epoch_time_is_refused(value: object) -> None:
    with pytest.raises(UnreadableValue, match=r"^epoch seconds between the years 1970 and 9999$"):
        MomentReader("epoch_s")(value)


def test_dates_of_profiles_may_lie_before_1970() -> None:
    read = MomentReader(minimum_ms=MIN_DATE_MS)
    assert read("1969-12-31T23:59:59.9995Z") == -1  # rounded down, not towards zero
    assert read("1950-06-01") == -7154 * 86_400_000
    assert read("0001-01-01") == MIN_DATE_MS
    assert MomentReader("epoch_s", minimum_ms=MIN_DATE_MS)("-0.0005") == -1
    with pytest.raises(UnreadableValue, match="between the years 1 and 9999"):
        read("0000-01-01")
