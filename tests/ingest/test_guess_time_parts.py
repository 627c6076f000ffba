"""Times in parts: a guess joins the columns of a day, an hour, or a year, month and day, and says what it does not read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.guess import guess_mapping
from tests.ingest.conversions import converted

READS_ALL = "# Reads all of the first 2 rows.\n"


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def guess_and_times(folder: Path, header: str, *rows: str) -> tuple[str, list[int]]:
    """Guesses a table of these columns beside id, user and amount; the rows are separated by commas."""
    lines = [f"id,user,{header},amount", *(f"{number},u,{row},5.5" for number, row in enumerate(rows))]
    table = "\n".join(lines) + "\n"
    (folder / "table.csv").write_text(table)
    text = guess_mapping(folder / "table.csv")
    result = converted(folder, table, text, keep_order=True)
    assert result.errors == []
    return text, [event["timestamp"] for event in result.events]


@pytest.mark.parametrize(
    ("header", "rows", "times"),
    [
        ("date,hour", ["2024-01-05,13", "2024-01-06,0"], ["2024-01-05T13:00", "2024-01-06T00:00"]),
        ("date,hour", ["2024-01-05,13", "2024-01-06,23"], ["2024-01-05T13:00", "2024-01-06T23:00"]),
        ("date,hour", ["2024-01-05,13.0", "2024-01-06,0.0"], ["2024-01-05T13:00", "2024-01-06T00:00"]),
        ("txn_date,txn_hour", ["05/01/2024,13", "16/01/2024,0"], ["2024-01-05T13:00", "2024-01-16T00:00"]),
        ("TransDate,TransHour", ["20240105,13", "20240116,7"], ["2024-01-05T13:00", "2024-01-16T07:00"]),
        ("date,hour_of_day", ["05-Jan-24,13", "16-Jan-24,7"], ["2024-01-05T13:00", "2024-01-16T07:00"]),
        ("date,hour,minute", ["2024-01-05,13,5", "2024-01-06,0,59"], ["2024-01-05T13:05", "2024-01-06T00:59"]),
        ("date,hour,minute,second", ["2024-01-05,13,5,7", "2024-01-06,0,59,0"], ["2024-01-05T13:05:07", "2024-01-06T00:59"]),
        ("date,time", ["2024-01-05,13", "2024-01-06,7"], ["2024-01-05T13:00", "2024-01-06T07:00"]),
        ("date,time", ["05.01.2024,1305", "16.01.2024,59"], ["2024-01-05T13:05", "2024-01-16T00:59"]),
        ("date,time", ["05.01.2024,130501", "16.01.2024,59"], ["2024-01-05T13:05:01", "2024-01-16T00:00:59"]),
        ("date,time", ["2024-01-05 00:00:00,13:05", "2024-01-16 00:00:00,7:59"], ["2024-01-05T13:05", "2024-01-16T07:59"]),
        ("Year,Month,Day", ["2023,1,5", "2023,2,6"], ["2023-01-05", "2023-02-06"]),
        ("Year,Month,Day,Hour", ["2023,1,5,13", "2023,2,6,0"], ["2023-01-05T13:00", "2023-02-06T00:00"]),
        ("year,month,day,hour,minute", ["2023,1,5,13,5", "2023,12,6,0,0"], ["2023-01-05T13:05", "2023-12-06T00:00"]),
        ("Year,Month,Day,Time", ["2023,1,5,13:05", "2023,2,6,00:01"], ["2023-01-05T13:05", "2023-02-06T00:01"]),
        ("Year,Month,Day", ["2023,Jan,5", "2023,Dec,6"], ["2023-01-05", "2023-12-06"]),
        ("year,month,day", ["2023,January,5", "2023,December,6"], ["2023-01-05", "2023-12-06"]),
        ("trans_hour,trans_day,trans_month,trans_year", ["0,1,1,2022", "13,28,2,2022"], ["2022-01-01", "2022-02-28T13:00"]),
        ("trans_year,trans_month,trans_day", ["22,1,1", "22,2,28"], ["2022-01-01", "2022-02-28"]),
    ],
)  # fmt: skip
def test_the_parts_of_a_time_are_joined(header: str, rows: list[str], times: list[str], tmp_path: Path) -> None:
    text, found = guess_and_times(tmp_path, header, *rows)
    assert found == [ms(time) for time in times]
    assert text.endswith(READS_ALL)
    assert "# Not used" not in text


def test_what_a_time_lacks_is_assumed_and_said(tmp_path: Path) -> None:
    text, times = guess_and_times(tmp_path, "year,month", "2023,1", "2023,12")
    assert times == [ms("2023-01-01"), ms("2023-12-01")]
    assert "# assumed: the first day of each month, the table has no days" in text
    text, times = guess_and_times(tmp_path, "month,day,hour", "1,5,13", "12,6,0")
    assert times == [ms("2024-01-05T13:00"), ms("2024-12-06")]
    assert "year: 2024}  # assumed: the year 2024, set your own" in text


@pytest.mark.parametrize(
    ("header", "row", "unread"),
    [
        ("date,hour", "2024-01-05,late", "hour"),
        ("date,hour,minute", "2024-01-05,99,5", "hour, minute"),
        ("year,month,day,hour", "2024,1,5,25", "hour"),
    ],
)
def test_a_part_that_cannot_be_joined_is_told_instead_of_reads_all(
    header: str, row: str, unread: str, tmp_path: Path
) -> None:
    text, times = guess_and_times(tmp_path, header, row, row)
    assert times == [ms("2024-01-05"), ms("2024-01-05")]
    assert text.endswith(f"# Reads only the day of timestamp: {unread} could not be joined with it\n")


def test_dates_and_times_of_parquet_are_joined(tmp_path: Path) -> None:
    path = tmp_path / "table.parquet"
    day = datetime(2024, 1, 5)
    table = pa.table(
        {
            "id": [1, 2], "user": [1, 2], "amount": [1.0, 2.0], "date": pa.array([day, day + timedelta(1)], pa.date32()),
            "hour": pa.array([13, 0], pa.int8()),
        }
    )  # fmt: skip
    pq.write_table(table, path)
    text = guess_mapping(path)
    events = converted(tmp_path, table, text, "table.parquet").events
    assert [event["timestamp"] for event in events] == [ms("2024-01-05T13:00"), ms("2024-01-06")]
    assert text.endswith(READS_ALL)


def test_the_time_of_day_of_a_payment_is_not_joined_with_other_dates(tmp_path: Path) -> None:
    table = "id,user,date,time,amount,is_fraud,report_date\n1,u,2024-01-05,13:05,5.5,1,2024-01-09\n"
    (tmp_path / "table.csv").write_text(table)
    events = converted(tmp_path, table, guess_mapping(tmp_path / "table.csv")).events
    assert events[0]["timestamp"] == ms("2024-01-05T13:05")
    assert events[1]["known_at"] == ms("2024-01-09")
