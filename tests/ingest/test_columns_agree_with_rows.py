"""Conversion by columns equals the row-by-row reference byte for byte."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.columns import records_from_chunk
from ingest.errors import RowError
from ingest.mapping import Mapping, parse_mapping
from ingest.rows import event_from_row, records_from_row
from ingest.sources.arrow_values import values_of
from ingest.sources.chunk import Chunk
from tests.ingest.conversions import converted
from udfs.records.codec import decode_event

RICH = """
kind: transaction
timezone: Europe/Berlin
fields:
  transaction_id: {column: id, prefix: T}
  user_id: user
  timestamp: time
  amount: {column: amount, negative: refund}
  currency: {value: EUR}
  merchant_id: {column: shop, default: nobody}
  channel: {column: channel, lookup: {1: pos, true: atm, x: null}, default: other}
  latitude: lat
  otp_used: otp
  city: {columns: [shop, channel], join: "/"}
  country: home
  entry_mode: shop
  distance_from_home_km: lat
attributes:
  any: amount
  words: {column: shop, type: text, prefix: "s "}
  figures: {column: otp, type: number, may_be_missing: true}
  looked_up: {column: channel, lookup: {1: one, true: 1, x: null}, default: "0x"}
  both: {columns: [channel, otp], join: ""}
  inside: home
  size: size
label:
  is_fraud: otp
  delay_days: 2.5
  pattern: channel
nested:
  - {column: details, into: home, path: "$.home", type: text}
  - {column: details, into: size, path: "$.scores[0]", type: float}
  - {column: details, into: extra.scores, path: "$.scores", type: "list[float]"}
"""
RICH_UTC = RICH.replace("Europe/Berlin", "UTC")
MINOR_UNITS = """
kind: transaction
decimal: ","
thousands: "."
fields:
  transaction_id: {row_number: true, prefix: row-}
  user_id: user
  timestamp: {column: time, format: epoch_s}
  amount: {column: amount, scale: 0.01, remove: ["$"]}
  merchant_id: $.shop.id
attributes: {cents: {column: lat, type: number, scale: 0.01, remove: ["$"]}, time: time, shop: $.shop.id}
label: {is_fraud: {column: channel, true_values: [1, x]}, known_at: {column: lat, format: epoch_s}}
"""
LOGIN = "kind: login\nfields: {user_id: user, timestamp: time, success: otp, city: channel}"
COARSE_LOGIN = """
kind: login
fields:
  user_id: user
  timestamp: {column: time, lookup: {"1974-01-01T00:00:00": 1974-01-02, 2024-02-01: 1974-01-03}, default: 1974-01-04}
  success: otp
"""
MAPPINGS = {
    "rich": RICH,
    "rich in UTC": RICH_UTC,
    "minor units": MINOR_UNITS,
    "login": LOGIN,
    "coarse login": COARSE_LOGIN,
}
NAMES = ("id", "user", "time", "amount", "shop", "channel", "lat", "otp", "details")

GOOD_TEXTS = [
    "1",
    "7",
    "x",
    "true",
    "2024-02-01",
    "2024-10-27T02:30:00",
    "57.16",
    "57,16",
    "1.234,5",
    "-3",
    "0",
    " 1 ",
    "",
]
BAD_TEXTS = ["NaN", "a b", "ü", "-0.0", "1e400", "\ud800", "1969-12-31", "9999-12-31T23:59:59.999Z", "y" * 65, "$5"]
DETAILS = ["{'home': 'DE', 'scores': [1, 2.5]}", '{"home": "FR"}', "{'scores': [None]}", "{broken", "[]", '{"home": 5}']
TEXTS = st.sampled_from(GOOD_TEXTS + BAD_TEXTS + DETAILS)
NUMBERS = st.sampled_from(
    [0, 1, -1, 5716, 2**63, 0.0, -0.0, 1.0, 57.16, 1e300, float("nan"), float("inf"), 1_706_781_600]
)
NATIVE = st.sampled_from(
    [None, True, False, Decimal("1.50"), Decimal("NaN"), datetime(2024, 2, 1), [1], {"id": 5}, {"id": "a b"}]
)
ANYTHING = TEXTS | NUMBERS | NATIVE
# Equal in Python, but read differently as flags, ids or amounts.
EQUALS = st.sampled_from([0, 0.0, -0.0, False, 1, 1.0, True])
DEMANDING = (
    TEXTS,
    TEXTS | st.none(),
    NUMBERS,
    NUMBERS | st.none(),
    NATIVE,
    EQUALS,
    st.sampled_from([0.0, -0.0]),
    ANYTHING,
)
USUAL = {
    "id": st.integers(0, 99),
    "user": st.sampled_from(["u", "v"]),
    "time": st.sampled_from(["2024-02-01", "2024-10-27T02:30:00", "1706781600"]),
    "amount": st.sampled_from(["57.16", "-3", "0"]),
    "shop": st.sampled_from(["s", None]),
    "channel": st.sampled_from(["1", "x", "true", None]),
    "lat": st.sampled_from(["1.5", None]),
    "otp": st.sampled_from(["1", "0", None]),
    "details": st.sampled_from(DETAILS[:3]),
}


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    """Ordinary columns, some replaced by edge cases, as the sources produce them."""
    rows = draw(st.integers(0, 12))
    replaced = draw(st.sets(st.sampled_from(NAMES), max_size=3))
    columns: dict[str, Any] = {
        name: draw(
            st.lists(draw(st.sampled_from(DEMANDING)) if name in replaced else usual, min_size=rows, max_size=rows)
        )
        for name, usual in USUAL.items()
    }
    if draw(st.booleans()):
        near_a_clock_change = st.integers(1_729_900_000_000, 1_730_000_000_000)
        times = (
            st.none() | st.integers(-3, 3) | st.integers(0, 2**42) | near_a_clock_change | st.integers(-(2**60), 2**60)
        )
        zone = draw(st.sampled_from([None, "UTC"]))
        values = draw(st.lists(times, min_size=rows, max_size=rows))
        columns["time"] = values_of(pa.array(values, pa.timestamp("ms", tz=zone)))
    return Chunk(range(1, rows + 1), columns, 1.0)


def outcome(row: dict[str, object], mapping: Mapping, row_number: int) -> object:
    try:
        return encoded(records_from_row(row, mapping, row_number))
    except RowError as error:
        return described(error)


def encoded(records: Any) -> tuple[bytes, ...]:
    *parts, dropped = records
    return (*(msgspec.json.encode(part) for part in parts), *(f"{field} {error}".encode() for field, error in dropped))


def described(error: RowError) -> tuple[object, ...]:
    return (error.row_number, error.column, error.value, error.expected)


@pytest.mark.parametrize("text", MAPPINGS.values(), ids=MAPPINGS)
@given(chunk=chunks())
@settings(deadline=None, max_examples=80)
def test_columns_and_rows_produce_the_same_bytes_and_errors(text: str, chunk: Chunk) -> None:
    mapping = parse_mapping(text)
    by_row = [outcome(chunk.row(index), mapping, number) for index, number in enumerate(chunk.row_numbers)]
    by_column = [
        described(result) if isinstance(result, RowError) else encoded(result)
        for result in records_from_chunk(chunk, mapping)
    ]
    assert by_column == by_row


@pytest.mark.parametrize("text", MAPPINGS.values(), ids=MAPPINGS)
@given(chunk=chunks())
@settings(deadline=None, max_examples=40)
def test_every_converted_record_decodes_to_itself(text: str, chunk: Chunk) -> None:
    mapping = parse_mapping(text)
    for result in records_from_chunk(chunk, mapping):
        if not isinstance(result, RowError):
            assert decode_event(msgspec.json.encode(result.record)) == result.record
            assert result.label is None or decode_event(msgspec.json.encode(result.label)) == result.label


SIMPLE = """
kind: transaction
fields: {transaction_id: id, user_id: user, timestamp: {column: time, format: epoch_ms}, amount: amount, city: city}
"""
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.integers(0, 2**40) | st.sampled_from(["a", "b c", ""]),
            "user": st.integers(0, 5),
            "time": st.integers(-5, 2**42),
            "amount": st.floats(-1, 1e12, allow_nan=False) | st.sampled_from([57.16, 0.1]),
            "city": st.none() | st.sampled_from(["Rome", "Köln", "x" * 257]),
        }
    ),
    max_size=25,
)


@given(rows=ROWS)
@settings(deadline=None, max_examples=40)
def test_converted_file_equals_a_stream_of_the_same_rows(
    rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder: Path = tmp_path_factory.mktemp("stream")
    mapping = parse_mapping(SIMPLE)
    expected, wrong = [], []
    for number, row in enumerate(rows, 1):
        try:
            expected.append((row["time"], msgspec.json.encode(event_from_row(row, mapping))))
        except RowError:
            wrong.append(number)
    content = "".join(json.dumps(row) + "\n" for row in rows)
    result = converted(folder, content, SIMPLE, "rows.jsonl", keep_order=False)
    lines = (result.folder / "events.jsonl").read_bytes().splitlines()
    assert lines == [line for _, line in sorted(expected, key=lambda pair: pair[0])]
    assert [error["row"] for error in result.errors] == wrong
