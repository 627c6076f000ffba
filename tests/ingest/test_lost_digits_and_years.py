"""Times that numbers with an exponent, spreadsheets and years of two or no digits stand for."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from ingest.errors import UnreadableValue
from ingest.field_readers import reader_for
from ingest.guess import guess_mapping
from ingest.new_year import crosses_new_year
from ingest.readers.moment import MomentReader
from ingest.schema import FieldSpec
from ingest.targets import FIELD_TYPES
from tests.ingest.conversions import converted

DAY_MS = 86_400_000
DAY_ZERO = -25_569 * DAY_MS  # 1899-12-30


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("unit", "written"),
    [
        ("epoch_ms", "1.70678E+12"), ("epoch_ms", "1.70678E12"), ("epoch_s", "1.70678E+09"), ("epoch_s", "1.70678e9"),
        ("epoch_us", "1.70678E+15"), ("epoch_ns", "1.706781E+18"), ("%Y%m%d%H%M", "2.02402E+11"), ("seconds", "1.72793e+06"),
    ],
)  # fmt: skip
def test_times_that_have_lost_digits_are_refused(unit: str, written: str) -> None:
    with pytest.raises(UnreadableValue, match="a time with all its digits: written with an exponent"):
        MomentReader(unit)(written)


@pytest.mark.parametrize(
    ("unit", "written", "time"),
    [
        ("epoch_ms", "1.7067816E12", "2024-02-01T10:00:00"),  # as Java writes a whole second
        ("epoch_ms", "1.706781600123E12", "2024-02-01T10:00:00.123"),
        ("epoch_ms", "1.706781600E+12", "2024-02-01T10:00:00"),
        ("epoch_s", "1.706781600E+09", "2024-02-01T10:00:00"),
        ("epoch_s", "1.7067816001234E9", "2024-02-01T10:00:00.123"),
    ],
)
def test_times_with_all_their_digits_may_have_an_exponent(unit: str, written: str, time: str) -> None:
    assert MomentReader(unit)(written) == ms(time)


def test_the_guess_says_that_times_have_lost_digits(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("id,user,timestamp,amount\n1,u,1.70678E+12,5.5\n2,u,1.70679E+12,5.5\n")
    text = guess_mapping(tmp_path / "table.csv")
    assert "# its numbers are written with an exponent and have lost digits: export them as text" in text
    assert "# Rejects 2 of the first 2 rows" in text


@pytest.mark.parametrize(
    ("days", "time"),
    [
        ("45306.43751157407", "2024-01-15T10:30:01"),
        (45306.43751157407, "2024-01-15T10:30:01"),
        ("45306.999988425928", "2024-01-15T23:59:59"),
        ("45306.5", "2024-01-15T12:00:00"),
    ],
)
def test_days_of_a_spreadsheet_are_rounded_to_the_millisecond(days: object, time: str) -> None:
    assert MomentReader("days", start_ms=DAY_ZERO)(days) == ms(time)


@pytest.mark.parametrize(
    ("field", "written", "time"),
    [
        ("date_of_birth", "4/4/57", "1957-04-04"),
        ("date_of_birth", "29/2/64", "1964-02-29"),
        ("date_of_birth", "10/1/94", "1994-01-10"),
        ("date_of_birth", "10/1/04", "2004-01-10"),
        ("account_opened_at", "4/4/65", "1965-04-04"),
        ("account_opened_at", "4/4/21", "2021-04-04"),
        ("expires_at", "4/4/57", "2057-04-04"),
    ],
)
def test_a_year_of_two_digits_is_not_in_the_future_where_no_time_can_be(field: str, written: str, time: str) -> None:
    assert reader_for(field, FIELD_TYPES[field], FieldSpec(format="%d/%m/%y"))(written) == ms(time)


def test_a_birth_written_with_four_digits_stays(tmp_path: Path) -> None:
    read = reader_for("date_of_birth", FIELD_TYPES["date_of_birth"], FieldSpec(format="%d/%m/%Y"))
    assert read("4/4/2057") == ms("2057-04-04")


YEARLESS = """
kind: transaction
fields:
  {transaction_id: id, user_id: user, timestamp: {column: time, format: "%m-%d %H:%M:%S", year: 2023}, amount: amount}
"""


@pytest.mark.parametrize(
    ("days", "told"),
    [
        (["12-30", "12-31", "01-01", "01-02"], True),
        (["12-31", "01-01"], True),
        (["01-02", "01-01", "12-31", "12-30"], True),
        (["01-01", "06-01", "12-31"], False),
        (["12-31", "06-01", "01-01"], False),
        (["01-01", "12-31"], False),
    ],
)
def test_times_without_a_year_that_go_over_new_year_are_told(days: list[str], told: bool, tmp_path: Path) -> None:
    rows = [f"{number},u,{day} 10:00:00,5.5" for number, day in enumerate(days)]
    table = "\n".join(["id,user,time,amount", *rows, ""])
    profile = converted(tmp_path, table, YEARLESS).summary.profile
    assert any("go over New Year" in sentence for sentence in profile.odd) is told
    text = guess_mapping(tmp_path / "table.csv")
    assert ("the times seem to go over New Year: convert the rows of each year apart" in text) is told


def test_times_with_years_of_their_own_are_not_told(tmp_path: Path) -> None:
    table = "id,user,time,amount\n1,u,2024-12-31T10:00:00Z,5\n2,u,2024-01-01T10:00:00Z,5\n"
    assert converted(tmp_path, table).summary.profile.odd == ()


def test_rows_in_no_order_are_not_over_new_year() -> None:
    days = np.random.default_rng(7).permutation(365)
    assert not crosses_new_year(np.array(days, np.int64) * DAY_MS)
