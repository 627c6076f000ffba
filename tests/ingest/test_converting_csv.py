"""Conversion of CSV files, compared with hand-written events."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import zipfile
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
    result = converted(tmp_path, "id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n")
    assert result.events == [FIRST]
    assert result.errors == []
    assert (result.summary.rows, result.summary.written, result.summary.rejected) == (1, {"transactions": 1}, 0)


def test_event_bytes_follow_the_event_contract(tmp_path: Path) -> None:
    result = converted(tmp_path, "id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n")
    expected = b'{"type":"transaction","transaction_id":"1","user_id":"17","timestamp":1706781600000,"amount":57.16}\n'
    assert (result.folder / "events.jsonl").read_bytes() == expected


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


def test_byte_order_mark_is_not_part_of_the_first_column_name(tmp_path: Path) -> None:
    assert converted(tmp_path, b"\xef\xbb\xbfid,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n").events == [FIRST]


@pytest.mark.parametrize("separator", ["\t", "|", ";"])
def test_delimiter_is_detected_from_the_header(tmp_path: Path, separator: str) -> None:
    text = "id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n".replace(",", separator)
    assert converted(tmp_path, text).events == [FIRST]


def test_a_delimiter_and_a_quote_may_be_given(tmp_path: Path) -> None:
    text = "id^user^time^amount\n1^'17'^2024-02-01T10:00:00Z^57.16\n"
    assert converted(tmp_path, text, PLAIN_MAPPING + 'csv: {delimiter: ^, quote: "\'"}\n').events == [FIRST]


def test_another_encoding_may_be_given(tmp_path: Path) -> None:
    text = "id,user,time,amount,città\n1,17,2024-02-01T10:00:00Z,57.16,Forlì\n".encode("latin-1")
    mapping = PLAIN_MAPPING.replace("amount: amount", "amount: amount, city: città") + "csv: {encoding: latin-1}\n"
    assert converted(tmp_path, text, mapping).events == [{**FIRST, "city": "Forlì"}]


def test_bytes_that_are_not_utf_8_drop_their_value_only(tmp_path: Path) -> None:
    text = b"id,user,time,amount,city\n1,17,2024-02-01T10:00:00Z,57.16,Rome\n2,17,2024-02-01T10:00:00Z,1,Forl\xec\n"
    result = converted(tmp_path, text, PLAIN_MAPPING.replace("amount: amount", "amount: amount, city: city"))
    assert [event.get("city") for event in result.events] == ["Rome", None]
    [dropped] = result.lines("dropped.jsonl")
    assert (dropped["row"], dropped["field"], dropped["value"]) == (2, "city", "Forl\\udcec")
    assert dropped["expected"] == "valid UTF-8 (another encoding? set `csv: {encoding: cp1252}`, or latin-1)"
    latin = PLAIN_MAPPING.replace("amount: amount", "amount: amount, city: city") + "csv: {encoding: cp1252}\n"
    assert [event["city"] for event in converted(tmp_path, text, latin).events] == ["Rome", "Forlì"]


def test_gzip_file_is_read_by_its_inner_suffix(tmp_path: Path) -> None:
    packed = gzip.compress(b"id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n")
    assert converted(tmp_path, packed, name="table.csv.gz").events == [FIRST]


def test_blank_lines_and_spaces_around_cells_are_ignored(tmp_path: Path) -> None:
    assert converted(tmp_path, "\ufeffid, user ,time,amount\n\n 1 , 17,2024-02-01T10:00:00Z , 57.16\n\n").events == [
        FIRST
    ]


def test_row_with_a_different_number_of_cells_is_rejected(tmp_path: Path) -> None:
    result = converted(
        tmp_path, "id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57,16\n1,17,2024-02-01T10:00:00Z,57.16\n"
    )
    assert result.events == [FIRST]
    assert result.errors == [
        {
            "input": "table.csv",
            "row": 1,
            "column": None,
            "value": "1,17,2024-02-01T10:00:00Z,57,16",
            "expected": "a row of 4 cells, as the header has (it has 5)",
        }
    ]
    assert result.summary.rows == 2


def test_a_row_with_broken_quotes_is_rejected_with_its_lines(tmp_path: Path) -> None:
    text = 'id,user,time,amount\n"1"x,17,2024-02-01T10:00:00Z,57.16\n1,17,2024-02-01T10:00:00Z,57.16\n9,"17\n'
    result = converted(tmp_path, text)
    assert result.events == [FIRST]
    assert [(error["row"], error["column"], error["expected"]) for error in result.errors] == [
        (1, None, "a row of CSV: ',' expected after '\"', in lines 2 to 2"),
        (3, None, "a row of CSV: unexpected end of data, in lines 4 to 4"),
    ]


ROW = "1,17,2024-02-01T10:00:00Z,57.16\n"


@pytest.mark.parametrize("others", [0, 1, 297, 32_000])
def test_a_stray_quote_costs_its_own_row_only(tmp_path: Path, others: int) -> None:
    result = converted(
        tmp_path, "id,user,time,amount\n" + 2 * ROW + '1,"17,2024-02-01T10:00:00Z,57.16\n' + others * ROW
    )
    [error] = result.errors
    assert (error["row"], error["column"]) == (3, None)
    assert error["expected"].startswith("a row of CSV: ")
    assert error["expected"].endswith("in lines 4 to 4")
    assert len(result.events) == others + 2
    assert result.summary.rows == others + 3


@pytest.mark.parametrize(
    "later",
    ['9,17,2024-02-01T10:00:00Z,57.16"\n', '"9",17,2024-02-01T10:00:00Z,57.16\n', '9,17",2024-02-01T10:00:00Z,57.16\n'],
    ids=["a stray quote that closes it", "quoted cells", "a quote inside a cell"],
)
def test_rows_between_two_quotes_are_not_swallowed(tmp_path: Path, later: str) -> None:
    text = "id,user,time,amount\n" + '1,17,2024-02-01T10:00:00Z,"57.16\n' + 5 * ROW + later + 3 * ROW
    result = converted(tmp_path, text)
    assert result.summary.rows == 10
    assert result.errors[0]["row"] == 1
    assert len(result.events) >= 8


@pytest.mark.parametrize(
    ("first", "second", "city"),
    [
        ('2,17,2024-02-01T10:00:00Z,57.16,"Rome', '3,17,2024-02-01T10:00:00Z,57.16,New York"', 'New York"'),
        ('2,"17,2024-02-01T10:00:00Z,57.16,Rome', '3,18",2024-02-01T10:00:00Z,5,Bonn', "Bonn"),
        ('"2",17,2024-02-01T10:00:00Z,57.16,"Rome', '3,17,2024-02-01T10:00:00Z,5,Bonn"', 'Bonn"'),
    ],
    ids=["in the last cells", "in a cell between", "beside a quoted cell"],
)
def test_two_stray_quotes_in_neighbouring_rows_cost_the_first_one_and_are_told(
    tmp_path: Path, first: str, second: str, city: str
) -> None:
    mapping = PLAIN_MAPPING.replace("amount: amount", "amount: amount, city: city")
    text = f"id,user,time,amount,city\n{ROW.strip()},Rome\n{first}\n{second}\n4{ROW[1:-1]},Rome\n"
    result = converted(tmp_path, text, mapping)
    assert result.summary.rows == 4
    assert [error["row"] for error in result.errors] == [2]
    kept = [(event["transaction_id"], event["city"]) for event in result.events]
    assert kept == [("1", "Rome"), ("3", city), ("4", "Rome")]


@pytest.mark.parametrize(
    "note", ["called, said\nit was not him", "a\nb, c, d, e", "Main St 5\n1 Rome, 2, 3, 4", "1\n2"]
)
def test_a_cell_of_several_lines_is_one_cell_even_where_its_last_line_has_as_many_commas(
    tmp_path: Path, note: str
) -> None:
    mapping = PLAIN_MAPPING.replace("amount: amount", "amount: amount, city: note")
    result = converted(tmp_path, f'id,user,time,amount,note\n{ROW.strip()},"{note}"\n', mapping)
    assert result.errors == []
    assert result.events == [{**FIRST, "city": note}]


def test_cells_with_line_ends_are_read_beside_stray_quotes(tmp_path: Path) -> None:
    mapping = PLAIN_MAPPING.replace("amount: amount", "amount: amount, city: city")
    text = (
        "id,user,time,amount,city\n"
        '1,17,2024-02-01T10:00:00Z,57.16,"line 1\nline 2\nline 3"\n'
        '2,17,2024-02-01T10:00:00Z,57.16,"stray\n'
        '3,17,2024-02-01T10:00:00Z,57.16,"a\nb"\n'
    )
    result = converted(tmp_path, text, mapping)
    assert [(event["transaction_id"], event["city"]) for event in result.events] == [
        ("1", "line 1\nline 2\nline 3"), ("3", "a\nb"),
    ]  # fmt: skip
    assert [error["row"] for error in result.errors] == [2]


def test_quotes_after_a_backslash(tmp_path: Path) -> None:
    mapping = PLAIN_MAPPING.replace("amount: amount", "amount: amount, city: city")
    text = 'id,user,time,amount,city\n1,17,2024-02-01T10:00:00Z,57.16,"the \\"old\\" town, west"\n'
    assert converted(tmp_path, text, mapping + "csv: {escape: '\\'}\n").events == [
        {**FIRST, "city": 'the "old" town, west'}
    ]
    [error] = converted(tmp_path, text, mapping).errors
    assert "set `csv: {escape: " in error["expected"]


def test_a_separator_line_of_spreadsheets_is_no_header(tmp_path: Path) -> None:
    assert converted(tmp_path, "sep=;\nid;user;time;amount\n1;17;2024-02-01T10:00:00Z;57.16\n").events == [FIRST]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig"])
def test_files_with_a_byte_order_mark_need_no_encoding(tmp_path: Path, encoding: str) -> None:
    text = "id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n".encode(encoding)
    assert converted(tmp_path, text).events == [FIRST]


@pytest.mark.parametrize(
    "suffix", [".zip", ".csv.zip", ".csv.bz2", ".csv.xz", ".CSV.GZ", ".ZIP", ".csv.Zip", ".CSV.BZ2", ".csv.XZ"]
)
def test_compressed_files_are_read(tmp_path: Path, suffix: str) -> None:
    content = b"id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n"
    if suffix.lower().endswith(".zip"):
        with zipfile.ZipFile(tmp_path / "source.zip", "w") as archive:
            archive.writestr("__MACOSX/._table.csv", b"x")
            archive.writestr("export/table.csv", content)
        packed = (tmp_path / "source.zip").read_bytes()
    elif suffix.lower().endswith(".gz"):
        packed = gzip.compress(content)
    else:
        packed = bz2.compress(content) if suffix.lower().endswith("bz2") else lzma.compress(content)
    assert converted(tmp_path, packed, name=f"table{suffix}").events == [FIRST]


def archive_with(content: bytes, flags: int = 0, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of table.csv whose headers say `flags` and `method`, whatever its content is."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", content)
    data = bytearray(file.getvalue())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.index(signature) + offset
        data[start : start + 4] = flags.to_bytes(2, "little") + method.to_bytes(2, "little")
    return bytes(data)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (archive_with(b"id\n", flags=1), "t.zip", "t.zip is encrypted: unpack it with its password"),
        (archive_with(b"id\n", method=9), "t.zip", "is packed by a method that is not supported, as Deflate64: unpack it"),
        (archive_with(b"id\n"), "t.csv", "t.csv holds a file packed with .zip: unpack it, or end its name in that suffix"),
        (gzip.compress(b"id\n"), "t.jsonl", "t.jsonl holds a file packed with .gz: unpack it"),
        (bz2.compress(b"id\n"), "t.csv", "holds a file packed with .bz2: unpack it"),
        (archive_with(gzip.compress(b"id\n")), "t.zip", "t.zip holds a file packed with .gz: unpack it"),
        ("id,user\n".encode("utf-32-le"), "t.csv", "looks like UTF-32: set `csv: {encoding: utf-32-le}`"),
    ],
    ids=["encrypted", "Deflate64", "zip by another name", "gzip by another name", "bzip2 by another name",
         "packed twice", "UTF-32 without a mark"],
)  # fmt: skip
def test_files_that_cannot_be_unpacked_are_told_with_what_to_do(
    tmp_path: Path, content: bytes, name: str, message: str
) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        converted(tmp_path, content, name=name)


def test_an_archive_of_several_files_is_refused_with_their_names(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "source.zip", "w") as archive:
        archive.writestr("jan.csv", b"id")
        archive.writestr("feb.csv", b"id")
    with pytest.raises(InputError, match=r"holds 2 files \(jan\.csv, feb\.csv\): unpack it"):
        converted(tmp_path, (tmp_path / "source.zip").read_bytes(), name="table.zip")
    with pytest.raises(InputError, match=r"is a spreadsheet: save its sheet as CSV"):
        converted(tmp_path, b"PK", name="table.xlsx")


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (
            "id,user,time,amount\n".encode("utf-16-le"),
            "t.csv",
            r"looks like UTF-16: set `csv: \{encoding: utf-16-le\}`",
        ),
        (
            "id,città\n".encode("cp1252"),
            "t.csv",
            "its header is not utf-8: set csv.encoding in the mapping, as latin-1",
        ),
        (b"PK", "t.zip", "cannot be read: File is not a zip file"),
        (
            gzip.compress(b"id,user,time,amount\n" * 9999, mtime=0)[:-9],
            "t.csv.gz",
            "cannot be read: Compressed file ended before",
        ),
        (b"id,user", "t.csv.gz", "cannot be read: Not a gzipped file"),
        (gzip.compress(b"{}\n" * 9999, mtime=0)[:-9], "t.jsonl.gz", "cannot be read: Compressed file ended before"),
    ],
)
def test_damaged_and_misnamed_files_are_rejected(tmp_path: Path, content: bytes, name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        converted(tmp_path, content, name=name)
    assert not (tmp_path / "out" / "events.jsonl").exists()


def test_wrong_encoding_is_rejected_with_a_hint(tmp_path: Path) -> None:
    text = b"id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n1,\xec,2024-02-01T10:00:00Z,57.16\n"
    with pytest.raises(InputError, match=r"cannot be read: 'ascii' codec .* \(another encoding\? set csv\.encoding"):
        converted(tmp_path, text, PLAIN_MAPPING + "csv: {encoding: ascii}\n")
    with pytest.raises(InputError, match=r"csv\.encoding: 'klingon' is not a known encoding"):
        converted(tmp_path, text, PLAIN_MAPPING + "csv: {encoding: klingon}\n")


def test_file_without_a_header_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is empty: a CSV file begins with a header of column names"):
        converted(tmp_path, "")


def test_a_header_without_rows_makes_an_empty_file(tmp_path: Path) -> None:
    result = converted(tmp_path, "id,user,time,amount\n")
    assert result.summary.rows == 0
    assert (result.folder / "events.jsonl").read_bytes() == b""


def test_a_column_whose_name_stands_again_gets_a_number(tmp_path: Path) -> None:
    mapping = PLAIN_MAPPING.replace("amount: amount", "amount: amount, beneficiary_id: user.1")
    result = converted(tmp_path, "id,user,time,user,amount\n1,17,2024-02-01T10:00:00Z,18,57.16\n", mapping)
    assert result.events == [{**FIRST, "beneficiary_id": "18"}]
    assert converted(tmp_path, "id,user,time,amount,x,x\n1,17,2024-02-01T10:00:00Z,57.16,,\n").events == [FIRST]


def test_missing_column_error_lists_the_closest_and_all_columns(tmp_path: Path) -> None:
    message = (
        r"table\.csv has no column 'amount' for amount \(did you mean 'amounts'\?\); it has: id, user, time, amounts\. "
        "If a table may lack it, set `may_be_missing: true`"
    )
    with pytest.raises(InputError, match=message):
        converted(tmp_path, "id,user,time,amounts\n")
    assert not (tmp_path / "out" / "events.jsonl").exists()


def test_column_that_may_be_missing_counts_as_blank(tmp_path: Path) -> None:
    mapping = PLAIN_MAPPING.replace("amount: amount", "amount: amount, city: {column: city, may_be_missing: true}")
    assert converted(tmp_path, "id,user,time,amount\n1,17,2024-02-01T10:00:00Z,57.16\n", mapping).events == [FIRST]
    text = "id,user,time,amount,city\n1,17,2024-02-01T10:00:00Z,57.16,Rome\n"
    assert converted(tmp_path, text, mapping).events == [{**FIRST, "city": "Rome"}]
