"""Reader of times: every format, local times of a zone, and the limits of the calendar."""

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
        ("1973-03-03T09:46:40Z", 100_000_000_000),
        ("2024-02-01 10:00:00 UTC", TEN),
        ("2024-02-01 10:00:00.123456789 UTC", TEN + 123),
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
        ("epoch_us", "1706781600000999", TEN),
        ("epoch_ns", TEN * 1_000_000 + 999_999, TEN),
        ("%Y%m%d%H%M", "202402011000", TEN),
        ("%Y%m%d%H%M", 202402011000, TEN),
        ("%Y%m%d%H%M", 202402011000.0, TEN),
        ("%Y%m%d%H%M", "202402011000.0", TEN),
        ("%d.%m.%Y %H:%M", "01.02.2024 10:00", TEN),
        ("%m/%d/%Y %I:%M %p", "02/01/2024 10:00 AM", TEN),
        ("%Y-%m-%d %H:%M:%S %z", "2024-02-01 12:00:00 +0200", TEN),
        ("%Y-%m-%dT%H:%M:%S%z", "2024-02-01T10:00:00Z", TEN),
        ("%a %b %d %H:%M:%S %Z %Y", "Thu Feb 01 10:00:00 UTC 2024", TEN),
        ("%Y-%m-%d %H:%M:%S %Z", "2024-02-01 05:00:00 EST", TEN),
        ("%Y-%m-%d %H:%M:%S %Z", "2024-02-01 11:00:00 CET", TEN),
        ("%Y-%m-%d %H:%M:%S %Z", "2024-02-01 11:00:00 Europe/Berlin", TEN),
        ("%d/%m/%y %H%M%S", "1/2/24 100000", TEN),
        ("%d/%m/%y %H%M%S", "1/2/24 3827", TEN - 36_000_000 + 38 * 60_000 + 27_000),
        ("%d/%m/%y %H%M%S", "1/2/24 0", TEN - 36_000_000),
        ("%d%m%Y", "1022024", TEN - 36_000_000),
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
        ("2024-10-27 02:30:00", "2024-10-27T00:30:00Z"),  # ambiguous: the earlier one
        ("2024-03-31 02:30:00", "2024-03-31T01:30:00Z"),  # skipped: by the offset before the change
        ("2024-02-01T10:00:00Z", "2024-02-01T10:00:00Z"),  # an explicit offset takes precedence
    ],
)
def test_local_times_of_a_zone(wall_clock: str, utc: str) -> None:
    assert MomentReader(zone=BERLIN)(wall_clock) == MomentReader()(utc)


def test_a_zone_of_several_meanings_is_that_of_the_mapping() -> None:
    india = MomentReader("%Y-%m-%d %H:%M:%S %Z", zone=ZoneInfo("Asia/Kolkata"))
    assert india("2024-02-01 15:30:00 IST") == TEN
    with pytest.raises(UnreadableValue):
        MomentReader("%Y-%m-%d %H:%M:%S %Z")("2024-02-01 15:30:00 IST")


def test_the_name_of_summer_time_tells_an_ambiguous_hour() -> None:
    read = MomentReader("%Y-%m-%d %H:%M %Z", zone=BERLIN)
    assert read("2024-10-27 02:30 CEST") == MomentReader()("2024-10-27T00:30:00Z")
    assert read("2024-10-27 02:30 CET") == MomentReader()("2024-10-27T01:30:00Z")


def test_a_year_completes_a_format_without_one() -> None:
    assert MomentReader("%m-%d %H:%M:%S", year=2024)("02-01 10:00:00") == TEN
    assert MomentReader("%b %d %H:%M", year=2024)("Feb 29 00:00") == TEN + 28 * 86_400_000 - 36_000_000


@pytest.mark.parametrize(
    ("unit", "value", "milliseconds"),
    [
        ("seconds", "172792", 172_792_000), ("minutes", 1.5, 90_000), ("hours", 34, 34 * 3_600_000),
        ("hours", "0.5", 1_800_000), ("days", 0, 0), ("days", "2.25", 194_400_000), ("weeks", 1, 7 * 86_400_000),
        ("days", -1, -86_400_000),
    ],
)  # fmt: skip
def test_times_counted_from_a_start(unit: str, value: object, milliseconds: int) -> None:
    assert MomentReader(unit, start_ms=TEN)(value) == TEN + milliseconds


@pytest.mark.parametrize(
    ("time_format", "value", "hint"),
    [
        ("epoch_ms", 1_706_781_600, "epoch_s"), ("epoch_ms", "1706781600", "epoch_s"),
        ("epoch_ms", TEN * 1_000, "epoch_us"), ("epoch_ms", TEN * 1_000_000, "epoch_ns"),
        ("epoch_s", TEN, "epoch_ms"), ("epoch_us", TEN, "epoch_ms"), ("epoch_ns", 1_706_781_600, "epoch_s"),
        ("epoch_ms", 202402011000, "%Y%m%d%H%M"), ("epoch_s", 20240201, "%Y%m%d"), ("epoch_ms", 172792, "hours"),
        ("iso", 1_706_781_600, "epoch_s"), ("iso", "202402011000", "%Y%m%d%H%M"),
    ],
)  # fmt: skip
def test_numbers_of_another_unit_are_refused_with_its_name(time_format: str, value: object, hint: str) -> None:
    with pytest.raises(UnreadableValue, match=f'format: "?{hint}'):
        MomentReader(time_format)(value)


def test_dates_of_profiles_in_another_unit_are_refused() -> None:
    opened = MomentReader("epoch_ms", minimum_ms=MIN_DATE_MS)
    assert opened(-626_572_800_000) == -626_572_800_000  # 1950
    assert opened(50_000_000_000) == 50_000_000_000  # 1971
    with pytest.raises(UnreadableValue, match="epoch_s"):
        opened(1_706_781_600)


@pytest.mark.parametrize(
    "value", ["1969-12-31T23:59:59.999Z", "0001-01-01", "10000-01-01", "yesterday", "", True, [1], "\u0661"]
)
def test_invalid_event_times_are_rejected(value: object) -> None:
    with pytest.raises(UnreadableValue, match=r"^an ISO 8601 time between the years 1973 and 9999"):
        MomentReader()(value)


@pytest.mark.parametrize("value", ["-1", -1, "inf", float("inf"), 10**30, "1_000", True, "1" * 100])
def test_invalid_epoch_times_are_rejected(value: object) -> None:
    with pytest.raises(UnreadableValue, match=r"^epoch seconds between the years 1973 and 9999"):
        MomentReader("epoch_s")(value)


def test_dates_of_profiles_may_lie_before_1970() -> None:
    read = MomentReader(minimum_ms=MIN_DATE_MS)
    assert read("1969-12-31T23:59:59.9995Z") == -1  # rounded down, not towards zero
    assert read("1950-06-01") == -7154 * 86_400_000
    assert read("0001-01-01") == MIN_DATE_MS
    assert MomentReader("epoch_s", minimum_ms=MIN_DATE_MS)("-0.0005") == -1
    with pytest.raises(UnreadableValue, match="between the years 1 and 9999"):
        read("0000-01-01")
