"""Conversion of Parquet files of every column type, compared with hand-written values."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from ingest.convert import Input, convert
from ingest.errors import InputError
from ingest.mapping import parse_mapping
from ingest.sources.arrow_values import values_of
from tests.ingest.conversions import PLAIN_MAPPING, converted

NAME = "table.parquet"
FEBRUARY_1 = 1_706_745_600_000  # 2024-02-01T00:00:00Z


def table(**columns: Any) -> Any:
    rows = len(next(iter(columns.values())))
    usual = {
        "id": pa.array(range(1, rows + 1), pa.int32()),
        "user": pa.array([7] * rows, pa.int16()),
        "time": pa.array([FEBRUARY_1] * rows, pa.timestamp("ms")),
        "amount": pa.array([1.0] * rows, pa.float64()),
    }
    return pa.table({**usual, **columns})


def values(folder: Path, field: str, column: Any, mapping: str = PLAIN_MAPPING) -> list[Any]:
    """One field of each event; None where it is absent."""
    result = converted(folder, table(**{field: column}), mapping, NAME)
    assert result.errors == []
    return [
        event.get({"id": "transaction_id", "user": "user_id", "time": "timestamp"}.get(field, field))
        for event in result.events
    ]


def with_city(column: str = "city") -> str:
    return PLAIN_MAPPING.replace("amount: amount", f"amount: amount, city: {column}")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([57.16, 0.1, 999_999_999_999.99]), [57.16, 0.1, 999_999_999_999.99]),
        (pa.array([57.16, 0.1, 16_777_216.0], pa.float32()), [57.16, 0.1, 16_777_216.0]),
        (pa.array([Decimal("57.16"), Decimal("0.10")], pa.decimal128(12, 2)), [57.16, 0.1]),
        (pa.array([5716, 0], pa.uint64()), [5716.0, 0.0]),
        (pa.array(["57.16", "1e3"]), [57.16, 1000.0]),
        (pa.array([-0.0]), [0.0]),
        (pa.array(["3.5", "3.5"]).dictionary_encode(), [3.5, 3.5]),
    ],
    ids=["double", "float", "decimal", "unsigned", "text", "negative zero", "dictionary"],
)
def test_amounts_equal_the_decimal_text_of_the_source(tmp_path: Path, column: Any, expected: list[float]) -> None:
    assert values(tmp_path, "amount", column) == expected


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1, 32_000], pa.int16()), ["1", "32000"]),
        (pa.array([2**63 + 1], pa.uint64()), ["9223372036854775809"]),
        (pa.array([1.0, 123_456_789.0]), ["1", "123456789"]),
        (pa.array([Decimal(10) ** 20], pa.decimal128(38, 0)), ["100000000000000000000"]),
        (pa.array(["a-1", "007"]), ["a-1", "007"]),
        (pa.array([b"a-1"], pa.binary()), ["a-1"]),
    ],
    ids=["small", "unsigned", "whole numbers kept as doubles", "decimal", "text", "bytes"],
)
def test_ids_of_every_type_become_text(tmp_path: Path, column: Any, expected: list[str]) -> None:
    assert values(tmp_path, "user", column) == expected


@pytest.mark.parametrize(
    "column",
    [
        pa.array([FEBRUARY_1 // 1000], pa.timestamp("s")),
        pa.array([FEBRUARY_1 * 1000 + 999], pa.timestamp("us")),
        pa.array([FEBRUARY_1 * 1_000_000 + 999_999], pa.timestamp("ns")),
        pa.array([FEBRUARY_1], pa.timestamp("ms", tz="Asia/Tokyo")),
        pa.array([date(2024, 2, 1)], pa.date32()),
        pa.array([date(2024, 2, 1)], pa.date64()),
        pa.array(["2024-02-01"]),
    ],
    ids=["seconds", "microseconds", "nanoseconds", "with zone", "date32", "date64", "text"],
)
def test_times_of_every_type_are_rounded_down_to_milliseconds(tmp_path: Path, column: Any) -> None:
    assert values(tmp_path, "time", column) == [FEBRUARY_1]


def test_times_without_an_offset_use_the_mappings_time_zone(tmp_path: Path) -> None:
    naive = pa.array([datetime(2024, 2, 1), datetime(2024, 7, 1)], pa.timestamp("us"))
    berlin = values(tmp_path, "time", naive, PLAIN_MAPPING + "timezone: Europe/Berlin\n")
    assert berlin == [FEBRUARY_1 - 3_600_000, 1_719_792_000_000 - 7_200_000]  # winter and summer time


def test_nulls_and_nan_are_absent_where_the_field_is_optional(tmp_path: Path) -> None:
    assert values(tmp_path, "city", pa.array(["Rome", None, "", " ", "NaN"]), with_city()) == ["Rome"] + [None] * 4
    assert values(tmp_path, "city", pa.array([1.5, float("nan"), None]), with_city()) == ["1.5", None, None]
    assert values(tmp_path, "city", pa.nulls(1), with_city()) == [None]


def test_nulls_and_nan_are_errors_where_the_field_is_required(tmp_path: Path) -> None:
    result = converted(
        tmp_path,
        table(
            user=pa.array([None, 7, 7, 7], pa.int16()),
            time=pa.array([FEBRUARY_1, None, FEBRUARY_1, -1], pa.timestamp("ms")),
            amount=pa.array([1.0, 1.0, float("nan"), 1.0]),
        ),
        name=NAME,
    )
    assert result.events == []
    assert [(error["row"], error["column"], error["value"], error["expected"]) for error in result.errors] == [
        (1, "user", None, "a value (user_id is required)"),
        (2, "time", None, "a value (timestamp is required)"),
        (3, "amount", "nan", "a value (amount is required)"),
        (4, "time", "1969-12-31T23:59:59.999000", "an ISO 8601 time between the years 1973 and 9999"),
    ]


@pytest.mark.parametrize(("unit", "far"), [("s", 2**50), ("ms", 2**62), ("us", 2**62)])
def test_time_outside_the_calendar_is_a_row_error(tmp_path: Path, unit: str, far: int) -> None:
    result = converted(tmp_path, table(time=pa.array([far, -far], pa.timestamp(unit))), name=NAME)
    assert [error["row"] for error in result.errors] == [1, 2]


def test_text_that_is_not_utf_8_drops_its_value_only(tmp_path: Path) -> None:
    text = pa.StringArray.from_buffers(2, pa.py_buffer(b"\0\0\0\0\4\0\0\0\x08\0\0\0"), pa.py_buffer(b"RomeFor\xec"))
    result = converted(tmp_path, table(city=text), with_city(), NAME)
    assert [event.get("city") for event in result.events] == ["Rome", None]
    assert [(one["row"], one["field"], one["expected"][:11]) for one in result.lines("dropped.jsonl")] == [
        (2, "city", "valid UTF-8")
    ]


def test_structs_and_lists_are_addressed_by_path(tmp_path: Path) -> None:
    places = pa.array([{"town": {"names": ["Roma", "Rome"]}}, {"town": None}])
    assert values(tmp_path, "place", places, with_city('"$.place.town.names[1]"')) == [None, None]
    result = converted(tmp_path, table(place=places), with_city('"$.place.town.names[1]"'), NAME)
    assert [event.get("city") for event in result.events] == ["Rome", None]


def test_a_column_name_may_have_dots(tmp_path: Path) -> None:
    result = converted(tmp_path, table(**{"place.city": pa.array(["Rome"])}), with_city("place.city"), NAME)
    assert [event["city"] for event in result.events] == ["Rome"]


def test_part_files_of_a_folder_are_read_in_name_order(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    (folder / "_SUCCESS").touch()
    for number in (2, 1):
        converted(folder, table(id=pa.array([number])), name=f"part-{number}.parquet")
    summary = convert([Input(folder, parse_mapping(PLAIN_MAPPING))], tmp_path / "all")
    assert summary.written == {"transactions": 2}
    lines = (tmp_path / "all" / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["transaction_id"] for line in lines] == ["1", "2"]


def test_file_that_is_not_parquet_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"table\.parquet is not a Parquet file"):
        converted(tmp_path, "id,user\n", name=NAME)


def test_an_empty_table_makes_an_empty_file(tmp_path: Path) -> None:
    assert converted(tmp_path, table(amount=pa.array([], pa.float64())), name=NAME).summary.rows == 0


def test_duplicate_column_is_rejected(tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array([1])] * 5, names=["id", "user", "time", "amount", "id"])
    with pytest.raises(InputError, match=r"table\.parquet has the column id more than once"):
        converted(tmp_path, twice, name=NAME)


def test_mapping_of_constants_makes_one_event_per_row(tmp_path: Path) -> None:
    fields = "transaction_id: {value: 1}, user_id: {value: u}, timestamp: {value: 2024-02-01}, amount: {value: 5}"
    result = converted(tmp_path, pa.table({"x": [1, 2]}), f"kind: transaction\nfields: {{{fields}}}\n", NAME)
    assert [(event["transaction_id"], event["timestamp"]) for event in result.events] == [
        ("1", FEBRUARY_1),
        ("1", FEBRUARY_1),
    ]


def test_a_damaged_file_leaves_no_output(tmp_path: Path) -> None:
    result = converted(tmp_path, table(amount=pa.array([1.0, 2.0])), name=NAME)
    assert len(result.events) == 2
    damaged = bytearray((tmp_path / NAME).read_bytes())
    damaged[4:200] = b"\xff" * 196
    with pytest.raises(InputError, match=r"broken\.parquet cannot be read from row 1 on"):
        converted(tmp_path, bytes(damaged), name="broken.parquet")
    assert sorted(path.name for path in result.folder.iterdir()) == ["dropped.jsonl", "errors.jsonl", "events.jsonl"]
    assert len(result.events) == 2


@pytest.mark.parametrize(("kind", "first"), [(pa.float32(), 2**24), (pa.float16(), 2**11)], ids=["32 bits", "16 bits"])
def test_ids_in_floats_that_cannot_hold_them_are_refused(tmp_path: Path, kind: Any, first: int) -> None:
    """The next whole number is stored as the same float: two users would be one."""
    numbers = np.array([first - 1, first, first + 1, np.nan], kind.to_pandas_dtype())
    result = converted(tmp_path, table(user=pa.array(numbers, kind)), name=NAME)
    assert [event["user_id"] for event in result.events] == [str(first - 1)]
    assert [(error["row"], error["expected"][:29]) for error in result.errors] == [
        (2, "an id with all its digits: wr"), (3, "an id with all its digits: wr"), (4, "a value (user_id is required)")
    ]  # fmt: skip


def test_long_numbers_in_32_bit_floats_are_no_times_codes_or_texts(tmp_path: Path) -> None:
    mapping = PLAIN_MAPPING.replace("time,", "{column: time, format: epoch_s},").replace(
        "amount}", "amount, city: city}"
    )
    seconds = pa.array([1_706_781_600.0], pa.float32())
    [error] = converted(tmp_path, table(time=seconds), PLAIN_MAPPING.replace("time,", "{column: time, format: epoch_s},"),
                        NAME).errors  # fmt: skip
    assert error["expected"] == (
        "epoch seconds between the years 1973 and 9999, with all its digits (it was stored as a float of 32 bits or less)"
    )
    result = converted(tmp_path, table(time=pa.array([1_706_781_600.0]), city=seconds), mapping, NAME)
    assert [(event["timestamp"], event.get("city")) for event in result.events] == [(1_706_781_600_000, None)]
    assert len(result.lines("dropped.jsonl")) == 1


def test_numbers_in_lists_of_32_bit_floats_equal_their_decimal_text(tmp_path: Path) -> None:
    vectors = [[0.1, 57.16, 2.0**24], None, []]
    for kind in (pa.list_(pa.float32()), pa.large_list(pa.float32()), pa.list_(pa.float64())):
        log = pa.table({"tx": ["a", "b", "c"], "v": pa.array(vectors, kind)})
        mapping = "kind: model_log\nfields: {transaction_id: tx, feature_vector: v}\n"
        lines = converted(tmp_path, log, mapping, NAME).lines("model_log.jsonl")
        assert [line.get("feature_vector") or [] for line in lines] == [[0.1, 57.16, 2.0**24], [], []]
    fixed = [[0.1, 0.2], None, [0.3, 0.4]]
    assert values_of(pa.array(fixed, pa.list_(pa.float32(), 2))) == fixed
    assert values_of(pa.array([None, *fixed], pa.list_(pa.float32()))[2:]) == fixed[1:]
