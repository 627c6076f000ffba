"""CSV files, each with the events written down by hand."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ingest.errors import InputError
from tests.ingest.conversions import PLAIN_MAPPING, converted

FEBRUARY_1_10H = 1_706_781_600_000  # 2024-02-01T10:00:00Z
FIRST = {
    "type": "transaction",
    "transaction_id": "1",
    "user_id": "17",
    "timestamp": FEBRUARY_1_10H,
    "amount": 57.16,
}


def test_a_plain_file_makes_one_event_a_row(tmp_path: Path) -> None:
    made = converted(tmp_path, "id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n")
    assert made.events == [FIRST]
    assert made.errors == []
    assert (made.summary.rows, made.summary.written, made.summary.rejected) == (1, {"transactions": 1}, 0)


def test_the_bytes_of_an_event_are_the_contracts(tmp_path: Path) -> None:
    made = converted(tmp_path, "id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n")
    expected = b'{"type":"transaction","transaction_id":"1","user_id":"17","timestamp":1706781600000,"amount":57.16}\n'
    assert (made.folder / "events.jsonl").read_bytes() == expected


def test_quoted_cells_may_hold_separators_quotes_and_line_ends(tmp_path: Path) -> None:
    text = 'id,user,time,amount,"the city"\r\n1,17,2024-02-01T10:00:00Z,57.16,"San\nJosé, ""CR"""\r\n'
    mapping = PLAIN_MAPPING.replace("amount: amount", "amount: amount, city: the city")
    assert converted(tmp_path, text, mapping).events == [{**FIRST, "city": 'San\nJosé, "CR"'}]


def test_semicolons_decimal_commas_and_thousands(tmp_path: Path) -> None:
    text = "id;user;time;amount\n1;17;01.02.2024 11:00:00;1.234.567,89\n2;17;01.02.2024 11:00:01;0,5\n"
    mapping = """
kind: transaction
decimal: ","
thousands: "."
timezone: Europe/Berlin
fields:
  transaction_id: id
  user_id: user
  timestamp: {column: time, format: "%d.%m.%Y %H:%M:%S"}
  amount: amount
"""
    events = converted(tmp_path, text, mapping).events
    assert [event["amount"] for event in events] == [1_234_567.89, 0.5]
    assert [event["timestamp"] for event in events] == [FEBRUARY_1_10H, FEBRUARY_1_10H + 1000]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert converted(tmp_path, b"\xef\xbb\xbfid,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n").events == [FIRST]


@pytest.mark.parametrize("separator", ["\t", "|", ";"])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, separator: str) -> None:
    text = "id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n".replace(",", separator)
    assert converted(tmp_path, text).events == [FIRST]


def test_a_delimiter_and_a_quote_may_be_given(tmp_path: Path) -> None:
    text = "id^user^time^amount\n1^'17'^2024-02-01T10:00:00Z^57.16\n"
    assert converted(tmp_path, text, PLAIN_MAPPING + 'csv: {delimiter: ^, quote: "\'"}\n').events == [FIRST]


def test_another_encoding_may_be_given(tmp_path: Path) -> None:
    text = "id,user,time,amount,città\n1,17,2024-02-01T10:00:00Z,57.16,Forlì\n".encode("latin-1")
    mapping = PLAIN_MAPPING.replace("amount: amount", "amount: amount, city: città") + "csv: {encoding: latin-1}\n"
    assert converted(tmp_path, text, mapping).events == [{**FIRST, "city": "Forlì"}]


def test_bytes_that_are_not_utf_8_reject_their_row_only(tmp_path: Path) -> None:
    text = b"id,user,time,amount,city\n1,17,2024-02-01T10:00:00Z,57.16,Rome\n2,17,2024-02-01T10:00:00Z,1,Forl\xec\n"
    made = converted(tmp_path, text, PLAIN_MAPPING.replace("amount: amount", "amount: amount, city: city"))
    assert made.events == [{**FIRST, "city": "Rome"}]
    assert made.errors == [
        {"input": "table.csv", "row": 2, "column": "city", "value": "Forl\\udcec", "expected": "valid UTF-8"}
    ]


def test_a_compressed_file_is_read_as_what_it_holds(tmp_path: Path) -> None:
    packed = gzip.compress(b"id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n")
    assert converted(tmp_path, packed, name="table.csv.gz").events == [FIRST]


def test_blank_lines_are_no_rows_and_spaces_around_cells_do_not_count(tmp_path: Path) -> None:
    assert converted(tmp_path, "\ufeffid, user ,time,amount\n\n 1 , 17,2024-02-01T10:00:00Z , 57.16\n\n").events == [
        FIRST
    ]


def test_a_row_of_another_width_is_rejected(tmp_path: Path) -> None:
    made = converted(
        tmp_path, "id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57,16\n1,17,2024-02-01T10:00:00Z,57.16\n"
    )
    assert made.events == [FIRST]
    assert made.errors == [
        {
            "input": "table.csv",
            "row": 1,
            "column": None,
            "value": "1,17,2024-02-01T10:00:00Z,57,16",
            "expected": "a row of 4 cells, as the header has (it has 5)",
        }
    ]
    assert made.summary.rows == 2


def test_a_row_with_broken_quotes_is_rejected_with_its_lines(tmp_path: Path) -> None:
    text = 'id,user,time,amount\n"1"x,17,2024-02-01T10:00:00Z,57.16\n1,17,2024-02-01T10:00:00Z,57.16\n9,"17\n'
    made = converted(tmp_path, text)
    assert made.events == [FIRST]
    assert [(error["row"], error["column"], error["expected"]) for error in made.errors] == [
        (1, None, "a row of CSV: ',' expected after '\"', in lines 2 to 2"),
        (3, None, "a row of CSV: unexpected end of data, in lines 4 to 4"),
    ]


def test_a_quote_that_never_closes_names_the_lines_that_it_swallows(tmp_path: Path) -> None:
    row = "1,17,2024-02-01T10:00:00Z,57.16\n"
    made = converted(tmp_path, 'id,user,time,amount\n1,"17\n' + row * 32_000 + row * 10)
    [error] = made.errors
    assert (error["row"], error["column"]) == (1, None)
    assert error["expected"].startswith("a row of CSV: field larger than field limit (1000000), in lines 2 to 3")
    assert made.summary.rows == len(made.events) + 1
    assert made.events[-1] == FIRST


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("id,user,time,amount\n".encode("utf-16"), "t.csv", "its header is not utf-8: set csv.encoding in the mapping"),
        (
            gzip.compress(b"id,user,time,amount\n" * 9999)[:-9],
            "t.csv.gz",
            "cannot be read: Compressed file ended before",
        ),
        (b"id,user", "t.csv.gz", "cannot be read: Not a gzipped file"),
        (gzip.compress(b"{}\n" * 9999)[:-9], "t.jsonl.gz", "cannot be read: Compressed file ended before"),
    ],
)
def test_damaged_and_misnamed_files_are_refused(tmp_path: Path, content: bytes, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        converted(tmp_path, content, name=name)
    assert not (tmp_path / "out" / "events.jsonl").exists()


def test_a_wrong_encoding_is_refused_where_it_shows(tmp_path: Path) -> None:
    text = b"id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n1,\xec,2024-02-01T10:00:00Z,57.16\n"
    with pytest.raises(InputError, match=r"cannot be read: 'ascii' codec .* \(another encoding\? set csv\.encoding"):
        converted(tmp_path, text, PLAIN_MAPPING + "csv: {encoding: ascii}\n")
    with pytest.raises(InputError, match=r"csv\.encoding: 'klingon' is not a known encoding"):
        converted(tmp_path, text, PLAIN_MAPPING + "csv: {encoding: klingon}\n")


def test_a_file_without_a_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is empty: a CSV file begins with a header of column names"):
        converted(tmp_path, "")


def test_a_header_without_rows_makes_an_empty_file(tmp_path: Path) -> None:
    made = converted(tmp_path, "id,user,time,amount\n")
    assert made.summary.rows == 0
    assert (made.folder / "events.jsonl").read_bytes() == b""


def test_a_column_that_is_there_twice_is_refused_if_it_is_needed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the header has the column amount more than once"):
        converted(tmp_path, "id,user,time,amount,amount\n")
    assert converted(tmp_path, "id,user,time,amount,x,x\n1,17,2024-02-01T10:00:00Z,57.16,,\n").events == [FIRST]


def test_a_missing_column_names_the_closest_and_all_there_are(tmp_path: Path) -> None:
    message = (
        r"table\.csv has no column 'amount' for amount \(did you mean 'amounts'\?\); it has: id, user, time, amounts\. "
        "If a table may lack it, set `may_be_missing: true`"
    )
    with pytest.raises(InputError, match=message):
        converted(tmp_path, "id,user,time,amounts\n")
    assert not (tmp_path / "out" / "events.jsonl").exists()


def test_a_column_that_may_be_missing_is_blank_where_it_is(tmp_path: Path) -> None:
    mapping = PLAIN_MAPPING.replace("amount: amount", "amount: amount, city: {column: city, may_be_missing: true}")
    assert converted(tmp_path, "id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n", mapping).events == [FIRST]
    text = "id,user,time,amount,city\n1,17,2024-02-01T10:00:00Z,57.16,Rome\n"
    assert converted(tmp_path, text, mapping).events == [{**FIRST, "city": "Rome"}]
