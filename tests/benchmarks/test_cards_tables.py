"""Tables of the card benchmark in all file formats."""

from __future__ import annotations

import gzip
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from benchmarks.cards_columns import TableError
from benchmarks.cards_stream import with_earlier_history
from benchmarks.cards_table import CardTable, read_transactions, read_users
from tests.benchmarks.card_tables import HOSTILE_MERCHANTS, make_cards

CARDS = make_cards(seed=5, users=20, days=20)
ROW: dict[str, Any] = {
    "trans_num": "a", "cc_num": 9_999_999_999_999_999_999, "unix_time": 1_583_021_326, "category": "misc_net",
    "merchant": "fraud_Kirlin and Sons", "amt": 4.97, "merch_lat": 36.01, "merch_long": -82.04, "is_fraud": 0,
}  # fmt: skip
USER: dict[str, Any] = {
    "cc_num": 9_999_999_999_999_999_999, "gender": "F", "city": "Orient", "state": "NC", "zip": 28_654, "lat": 36.07,
    "long": -81.17, "city_pop": 3_495, "job": "Psychologist, counselling", "dob": "1988-03-09",
}  # fmt: skip


def table_of(*rows: dict[str, Any], **types: pa.DataType) -> pa.Table:
    """Rows over ROW as an Arrow table; a 20-digit cc_num is unsigned."""
    types = {"cc_num": pa.uint64(), **types}
    columns = {name: [{**ROW, **row}[name] for row in rows] for name in ROW}
    return pa.table({name: pa.array(values, types.get(name)) for name, values in columns.items()})


def written(path: Path, table: pa.Table, delimiter: str = ",") -> Path:
    if path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".gz":
        with gzip.open(path, "wb") as file:
            pa_csv.write_csv(table, file, pa_csv.WriteOptions(delimiter=delimiter))
    else:
        pa_csv.write_csv(table, path, pa_csv.WriteOptions(delimiter=delimiter))
    return path


def transactions(tmp_path: Path, *rows: dict[str, Any], **types: pa.DataType) -> CardTable:
    return read_transactions(written(tmp_path / "t.parquet", table_of(*rows, **types)))


@pytest.mark.parametrize(
    ("name", "delimiter"), [("t.parquet", ","), ("t.csv", ","), ("t.txt", "|"), ("t.csv.gz", "|"), ("t.tsv", "\t")]
)
def test_every_file_format_gives_the_same_table(tmp_path: Path, name: str, delimiter: str) -> None:
    found = read_transactions(written(tmp_path / name, CARDS.transactions, delimiter))
    source = CARDS.transactions.to_pydict()
    assert found.transactions["trans_num"].to_pylist() == source["trans_num"]
    assert found.transactions["cc_num"].to_pylist() == [str(number) for number in source["cc_num"]]
    assert found.transactions["merchant"].to_pylist() == source["merchant"]
    assert set(HOSTILE_MERCHANTS) <= set(source["merchant"])
    assert found.times_ms.tolist() == [1000 * second for second in source["unix_time"]]
    assert found.column("amt").tolist() == source["amt"]
    assert found.labels.tolist() == [bool(flag) for flag in source["is_fraud"]]
    own = source["cc_num"] if name == "t.parquet" else [str(number) for number in source["cc_num"]]
    assert found.cc_nums.to_pylist() == own
    users = read_users(written(tmp_path / f"users-{name}", CARDS.users, delimiter))
    assert users["cc_num"].to_pylist() == [str(number) for number in CARDS.users["cc_num"].to_pylist()]
    assert users["dob"].to_pylist() == [date.fromisoformat(text) for text in CARDS.users["dob"].to_pylist()]
    assert users["job"].to_pylist() == CARDS.users["job"].to_pylist()
    assert users["lat"].to_pylist() == CARDS.users["lat"].to_pylist()


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (9_999_999_999_999_999_999, pa.uint64()),
        ("9999999999999999999", pa.string()),
        ("9999999999999999999", pa.large_string()),
        (" 9999999999999999999 ", pa.string()),
        ("9999999999999999999.0", pa.string()),
        (Decimal("9999999999999999999"), pa.decimal128(19, 0)),
        (Decimal("9999999999999999999.00"), pa.decimal128(21, 2)),
    ],
)
def test_card_number_of_19_digits_is_exact(tmp_path: Path, value: Any, kind: pa.DataType) -> None:
    found = transactions(tmp_path, {"cc_num": value}, cc_num=kind)
    assert found.transactions["cc_num"].to_pylist() == ["9999999999999999999"]


def test_card_number_with_lost_digits_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"float 4.613314721966e[+]18 is not an exact whole number"):
        transactions(tmp_path, {"cc_num": 4.613314721966e18}, cc_num=pa.float64())
    with pytest.raises(TableError, match=r"'4.6133e[+]18' in row 2 has lost digits; write whole numbers, not floats"):
        transactions(tmp_path, {"cc_num": "1"}, {"cc_num": "4.6133e+18"}, cc_num=pa.string())
    found = transactions(tmp_path, {"cc_num": 2703186189652095.0}, cc_num=pa.float64())
    assert found.transactions["cc_num"].to_pylist() == ["2703186189652095"]


@pytest.mark.parametrize(
    ("value", "kind", "expected_ms"),
    [
        (1_583_021_326, pa.int32(), 1_583_021_326_000),
        (1_583_021_326.0, pa.float64(), 1_583_021_326_000),
        ("1583021326", pa.string(), 1_583_021_326_000),
        ("1583021326.25", pa.string(), 1_583_021_326_250),
        (datetime(2020, 3, 1, 0, 8, 46), pa.timestamp("us"), 1_583_021_326_000),
    ],
)
def test_time_is_seconds_as_number_or_text(tmp_path: Path, value: Any, kind: pa.DataType, expected_ms: int) -> None:
    assert transactions(tmp_path, {"unix_time": value}, unix_time=kind).times_ms.tolist() == [expected_ms]


def test_milliseconds_are_rejected_as_seconds(tmp_path: Path) -> None:
    with pytest.raises(
        TableError, match="unix_time: 1583021326000 is not a time in seconds since 1970; is it in milli"
    ):
        transactions(tmp_path, {"unix_time": 1_583_021_326_000})


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0, 1], pa.int64()), ([0.0, 1.0], pa.float64()), ([False, True], pa.bool_()), (["0", "1"], pa.string()),
        (["false", "true"], pa.string()), (["False", "TRUE"], pa.string()), (["0.0", "1.0"], pa.string()),
    ],
)  # fmt: skip
def test_outcome_is_0_and_1_or_false_and_true(tmp_path: Path, values: list[Any], kind: pa.DataType) -> None:
    rows = ({"trans_num": str(number), "is_fraud": value} for number, value in enumerate(values))
    assert transactions(tmp_path, *rows, is_fraud=kind).labels.tolist() == [False, True]


def test_rows_are_sorted_and_duplicates_and_unreadable_ones_counted(tmp_path: Path) -> None:
    found = transactions(
        tmp_path,
        {"trans_num": "late", "unix_time": 300},
        {"trans_num": "early", "unix_time": 100},
        {"trans_num": "early", "unix_time": 200, "amt": 7.0},
        {"trans_num": "early", "unix_time": 250, "cc_num": 5},
        {"trans_num": None},
        {"trans_num": "no amount", "amt": None},
        {"trans_num": "negative", "amt": -1.0},
        {"trans_num": "no outcome", "is_fraud": None},
        {"trans_num": "no time", "unix_time": None},
        {"trans_num": "no place", "unix_time": 400, "merch_lat": 91.0, "merch_long": None, "category": None},
    )
    assert found.transactions["trans_num"].to_pylist() == ["early", "early", "late", "no place"]
    assert found.transactions["cc_num"].to_pylist()[:2] == ["9999999999999999999", "5"]
    assert found.column("amt").tolist() == [4.97] * 4
    assert np.isnan(found.column("merch_lat")).tolist() == [False, False, False, True]
    assert found.transactions["category"].to_pylist()[3] is None
    assert (found.duplicates, found.unreadable) == (1, 5)


def test_csv_rows_of_wrong_width_are_counted_and_latin_1_is_read(tmp_path: Path) -> None:
    header = ",".join(ROW)
    path = tmp_path / "t.csv"
    path.write_bytes(f"{header}\na,1,100,c,Söhne,1.0,1,1,0\nb,1,100,c,m,1.0,1,1,0,9\n".encode("latin-1"))
    found = read_transactions(path)
    assert found.transactions["merchant"].to_pylist() == ["Söhne"]
    assert found.unreadable == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1988-03-09", date(1988, 3, 9)), ("31/12/1950", date(1950, 12, 31)), ("1950-12-31 00:00:00", date(1950, 12, 31))],
)
def test_date_of_birth_is_text_in_common_formats(tmp_path: Path, text: str, expected: date) -> None:
    users = pa.table({name: [value, value] for name, value in {**USER, "dob": text, "cc_num": "7"}.items()})
    found = read_users(written(tmp_path / "users.parquet", users))
    assert found["dob"].to_pylist() == [expected]
    assert found["cc_num"].to_pylist() == ["7"]  # the second row of a user is not taken


def test_too_long_attribute_text_keeps_a_prefix_and_stays_distinct(tmp_path: Path) -> None:
    jobs = [
        "Chef ",
        None,
        "Geophysicist (field seismologist) " * 2 + "a",
        "Geophysicist (field seismologist) " * 2 + "b",
    ]
    users = pa.table({name: [value] * 4 for name, value in USER.items() if name not in ("job", "cc_num")})
    users = users.append_column("cc_num", pa.array([1, 2, 3, 4])).append_column("job", pa.array(jobs))
    found = read_users(written(tmp_path / "users.parquet", users))["job"].to_pylist()
    assert found[:2] == ["Chef", None]
    assert [text[:12] for text in found[2:]] == ["Geophysicist"] * 2
    assert found[2] != found[3]
    assert max(len(text) for text in found[2:]) <= 64


def test_missing_columns_are_named_with_the_existing_ones(tmp_path: Path) -> None:
    table = table_of({}).rename_columns(
        ["trans_num", "cc_num", "unixtime", "category", "merchant", "amt", "a", "b", "c"]
    )
    path = written(tmp_path / "t.parquet", table)
    with pytest.raises(TableError, match=r"no column unix_time .did you mean 'unixtime'.., merch_lat, merch_long, is_fraud; "
                                         "it has trans_num, cc_num, unixtime"):  # fmt: skip
        read_transactions(path)
    with pytest.raises(TableError, match="no column gender, city"):
        read_users(path)


def test_files_that_are_not_tables_are_rejected_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "broken.parquet").write_bytes(b"PAR1nonsense")
    (tmp_path / "empty.csv").touch()
    (tmp_path / "header.csv").write_text(",".join(ROW) + "\n")
    with pytest.raises(TableError, match=r"broken.parquet cannot be read as CSV or Parquet: [^\n]*$"):
        read_transactions(tmp_path / "broken.parquet")
    with pytest.raises(TableError, match=r"empty.csv: no column trans_num"):
        read_transactions(tmp_path / "empty.csv")
    with pytest.raises(TableError, match=r"header.csv has no readable transaction in 0 rows"):
        read_transactions(tmp_path / "header.csv")


def history_case(tmp_path: Path, later_from_day: int) -> tuple[CardTable, pa.Table, int]:
    """A file of ten days of cards 1 and 2, and a later one of cards 2 and 3, where card 2 has another holder."""
    day = 86_400
    first = [
        {"trans_num": f"f{number}", "cc_num": 1 + number % 2, "unix_time": 1_000_000 * day // 1_000 + number * day // 2}
        for number in range(20)
    ]
    start = 1_000_000 * day // 1_000 + later_from_day * day
    later = [
        {"trans_num": f"l{number}", "cc_num": 2 + number % 2, "unix_time": start + number * 60} for number in range(4)
    ]
    later.append({"trans_num": "f3", "cc_num": 3, "unix_time": start + 600})
    users = [{**USER, "cc_num": number} for number in (1, 2)]
    other = [{**USER, "cc_num": number, "gender": "M"} for number in (2, 3)]
    tables = []
    for name, rows in (("first", first), ("later", later)):
        tables.append(read_transactions(written(tmp_path / f"{name}.parquet", table_of(*rows))))
    people = []
    for name, rows in (("first", users), ("later", other)):
        table = pa.table({key: pa.array([row[key] for row in rows]) for key in USER})
        people.append(read_users(written(tmp_path / f"{name}-users.parquet", table)))
    until_ms = (start + 120) * 1000
    return with_earlier_history(tables[0], people[0], tables[1], people[1], until_ms)


def test_continuing_file_is_preceded_by_the_first_and_reused_cards_renamed(tmp_path: Path) -> None:
    table, users, put_before = history_case(tmp_path, later_from_day=10)
    assert put_before == 20
    numbers = table.transactions["cc_num"].to_pylist()
    assert numbers[:4] == ["1", "first:2", "1", "first:2"]
    assert numbers[20:] == ["2", "3", "2", "3", "3"]
    assert users["cc_num"].to_pylist() == ["2", "3", "1"]
    assert users["gender"].to_pylist() == ["M", "M", "F"]
    assert (np.diff(table.times_ms) >= 0).all()
    assert table.cc_nums.to_pylist() == [None] * 20 + [2, 3, 2, 3, 3]


def test_files_covering_the_same_time_are_not_joined(tmp_path: Path) -> None:
    table, users, put_before = history_case(tmp_path, later_from_day=0)
    assert put_before == 0
    assert len(table) == 5
    assert users["cc_num"].to_pylist() == ["2", "3"]


def test_joined_files_do_not_overlap_in_time(tmp_path: Path) -> None:
    table, _, put_before = history_case(tmp_path, later_from_day=4)
    assert put_before == 8
    assert table.times_ms[7] < table.times_ms[8]
