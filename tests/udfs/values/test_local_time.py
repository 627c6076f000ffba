"""Local hour and weekday compared with Python's datetime conversion."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from udfs.values.local_time import LocalTime, is_timezone

ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "America/Sao_Paulo", "America/Caracas",
    "Africa/Casablanca", "Asia/Kathmandu", "Asia/Kolkata", "Asia/Tehran", "Asia/Pyongyang", "Asia/Gaza",
    "Australia/Lord_Howe", "Australia/Eucla", "Pacific/Chatham", "Pacific/Apia", "Pacific/Kiritimati", "Pacific/Marquesas",
    "Antarctica/Troll", "Etc/GMT+12", "Etc/GMT-14",
]  # fmt: skip
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def by_python(time_ms: int, zone: str) -> tuple[int, int]:
    local = (EPOCH + timedelta(milliseconds=time_ms)).astimezone(ZoneInfo(zone))
    return local.hour, local.weekday()


def milliseconds(moment: datetime) -> int:
    return (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)


since_2012 = st.datetimes(datetime(2012, 1, 1), datetime(2090, 1, 1)).map(milliseconds)


@settings(max_examples=600, deadline=None)
@given(since_2012, st.sampled_from(ZONES))
@example(milliseconds(datetime(2026, 3, 29, 0, 59, 59)), "Europe/Berlin")
@example(milliseconds(datetime(2026, 3, 29, 1, 0, 0)), "Europe/Berlin")
@example(milliseconds(datetime(2026, 10, 25, 0, 59, 59)), "Europe/Berlin")
@example(milliseconds(datetime(2026, 10, 25, 1, 0, 0)), "Europe/Berlin")
@example(milliseconds(datetime(2026, 4, 4, 14, 59, 59)), "Australia/Lord_Howe")
@example(milliseconds(datetime(2026, 4, 4, 15, 0, 0)), "Australia/Lord_Howe")
def test_any_moment_in_any_zone_agrees_with_zoneinfo(time_ms: int, zone: str) -> None:
    assert LocalTime().hour_and_weekday(time_ms, zone) == by_python(time_ms, zone)


def changes_of_offset(zone: str, first_year: int, last_year: int) -> list[int]:
    """The exact milliseconds at which a zone's offset changes, by bisection."""

    def offset(time_ms: int) -> timedelta | None:
        return (EPOCH + timedelta(milliseconds=time_ms)).astimezone(ZoneInfo(zone)).utcoffset()

    step = 7 * 86_400_000
    found = []
    for start in range(milliseconds(datetime(first_year, 1, 1)), milliseconds(datetime(last_year, 1, 1)), step):
        if offset(start) != offset(start + step):
            low, high = start, start + step
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == offset(low) else (low, middle)
            found.append(high)
    return found


@pytest.mark.parametrize("zone", [zone for zone in ZONES if not zone.startswith(("UTC", "Etc"))])
def test_moments_around_every_offset_change_since_2012(zone: str) -> None:
    """Offsets are cached per slot: the last millisecond before a change and the first after it must differ."""
    clock = LocalTime()
    times = [
        change + shift
        for change in changes_of_offset(zone, 2012, 2030)
        for shift in (-3_600_000, -60_000, -1, 0, 1, 60_000, 3_600_000)
    ]
    random.Random(zone).shuffle(times)
    for time_ms in times:
        assert clock.hour_and_weekday(time_ms, zone) == by_python(time_ms, zone), time_ms


def test_zones_do_not_share_cached_offsets() -> None:
    clock = LocalTime()
    time_ms = milliseconds(datetime(2026, 6, 1, 22, 50))
    for _ in range(2):
        assert {zone: clock.hour_and_weekday(time_ms, zone) for zone in ZONES} == {
            zone: by_python(time_ms, zone) for zone in ZONES
        }


def test_missing_and_unknown_zones_use_the_default() -> None:
    time_ms = milliseconds(datetime(2026, 1, 1, 20, 0))
    for zone in (None, "", "Nowhere/Nothing", "../../etc/passwd", "/etc/localtime", "x" * 5_000, "a\0b", "Europe"):
        assert LocalTime().hour_and_weekday(time_ms, zone) == (20, 3)
        assert LocalTime("Asia/Tokyo").hour_and_weekday(time_ms, zone) == (5, 4)


@pytest.mark.parametrize("zone", ZONES)
def test_the_first_and_the_last_moments_of_events_have_a_local_time(zone: str) -> None:
    day = 86_400_000
    for time_ms in (0, 1, 253_402_300_799_999 - day):
        assert LocalTime().hour_and_weekday(time_ms, zone) == by_python(time_ms, zone)


def test_a_full_cache_of_offsets_keeps_results_correct() -> None:
    clock = LocalTime()
    quarter = 900_000
    start = milliseconds(datetime(2026, 3, 1))
    for number in range(0, 100_500):
        clock._by_day[("filled", number)] = clock._by_slot[("filled", number)] = 0
    for time_ms in range(start, start + 40 * 96 * quarter, quarter):
        assert clock.hour_and_weekday(time_ms, "Europe/Berlin") == by_python(time_ms, "Europe/Berlin")
    assert len(clock._by_day) <= 100_000
    assert len(clock._by_slot) <= 100_000


def test_is_timezone_accepts_only_names_of_the_database() -> None:
    assert all(map(is_timezone, ZONES))
    for word in (
        "Nowhere/Nothing",
        "",
        "Europe",
        "../UTC",
        "/etc/localtime",
        "Europe/Berlin ",
        "x" * 5_000,
        "a\0b",
        "\ud800",
    ):
        assert not is_timezone(word), word
