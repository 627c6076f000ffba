"""The options of a field, each tested with one row."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ingest.dropped_values import DroppedValue
from ingest.errors import RowError
from ingest.mapping import parse_mapping
from ingest.rows import event_and_dropped, event_from_row, records_from_row
from tests.ingest.conversions import LABELLED_MAPPING, PLAIN_MAPPING
from udfs.records.codec import decode_event
from udfs.records.events import Event, Login, Transaction

BASE = {"id": "1", "user": "u", "time": "2024-02-01T10:00:00Z", "amount": "1"}


def event(field: str, row_number: int = 0, **columns: Any) -> Event:
    """The event of BASE and `columns`, by a mapping with the given fields added or replaced."""
    name = field.partition(":")[0]
    usual = {"transaction_id": "id", "user_id": "user", "timestamp": "time", "amount": "amount"}
    usual.pop(name, None)
    fields = ", ".join([f"{key}: {column}" for key, column in usual.items()] + [field])
    return event_from_row({**BASE, **columns}, parse_mapping(f"kind: transaction\nfields: {{{fields}}}"), row_number)


def dropped_of(field: str, **columns: Any) -> list[DroppedValue]:
    text = f"kind: transaction\nfields: {{transaction_id: id, user_id: user, timestamp: time, amount: amount, {field}}}"
    return event_and_dropped({**BASE, **columns}, parse_mapping(text))[1]


def value(field: str, **columns: Any) -> object:
    return getattr(event(field, **columns), field.partition(":")[0])


def test_a_prefix_makes_ids_of_numbers() -> None:
    assert value("user_id: {column: user, prefix: C}", user=123) == "C123"
    assert value("merchant_id: {column: m, prefix: M-}", m=None) is None


def test_encode_accepts_any_text_and_keeps_ids_distinct() -> None:
    encoded = "merchant_id: {column: m, encode: true}"
    assert value(encoded, m="O'Reilly, Kuhn & Söhne") == "O'Reilly,%20Kuhn%20&%20S%C3%B6hne"
    assert value(encoded, m="Shop ") == "Shop%20"
    assert [value(encoded, m=number) for number in (17, 17.0, 9_999_999_999_999_999_999)] == [
        "17", "17", "9999999999999999999",
    ]  # fmt: skip
    assert value(encoded, m=None) is None
    assert value("merchant_id: {column: m, encode: true, prefix: M }", m="a b") == "Ma%20b"
    with pytest.raises(RowError, match=r"'a b', expected an id of 1 to 64 .* `encode: true` takes any text"):
        value("user_id: user", user="a b")


def test_a_constant_needs_no_column() -> None:
    assert value("currency: {value: EUR}") == "EUR"
    assert value("merchant_category: {value: 5411}") == "5411"
    assert value("country: {value: NO}") == "NO"


def test_default_replaces_blanks() -> None:
    assert value("currency: {column: c, default: USD}", c=" ") == "USD"
    assert value("currency: {column: c, default: USD}", c="EUR") == "EUR"
    assert value("user_id: {column: user, default: nobody}", user=None) == "nobody"


def test_lookup_translates_codes_and_rejects_unknown_ones() -> None:
    channel = "channel: {column: c, lookup: {1: pos, 2: atm, x: null}}"
    assert [value(channel, c=code) for code in (1, "2", 2.0, "x", None)] == ["pos", "atm", "atm", None, None]
    assert [value(channel, c=code) for code in ("1.0", " 2 ")] == ["pos", "atm"]
    assert value(channel, c=3) is None
    [dropped] = dropped_of(channel, c=3)
    assert dropped.field == "channel"
    assert str(dropped.error) == "row 0, column c: '3', expected one of the codes of `lookup`: 1, 2, x"
    with pytest.raises(RowError, match=r"^row 0, column c: '3', expected one of the codes of `lookup`: a$"):
        value("kind: {column: c, lookup: {a: refund}}", c=3)


def test_a_code_of_the_lookup_may_be_a_text_that_is_blank_elsewhere() -> None:
    channel = 'channel: {column: c, lookup: {"-": pos, NA: atm}}'
    assert [value(channel, c=code) for code in ("-", "NA", "N/A")] == ["pos", "atm", None]


def test_default_replaces_codes_missing_from_the_lookup() -> None:
    assert value("channel: {column: c, lookup: {1: pos}, default: other}", c=3) == "other"
    assert value("channel: {column: c, lookup: {1: pos}, default: null}", c=3) is None


def test_a_null_in_the_lookup_of_a_required_field_is_an_error() -> None:
    with pytest.raises(RowError, match=r"expected a value \(user_id is required\)"):
        value("user_id: {column: user, lookup: {u: null}}")


def test_several_columns_are_joined_to_one_value() -> None:
    day_and_time = 'timestamp: {columns: [d, t], format: "%Y%m%d %H:%M"}'
    assert value(day_and_time, d=20240201, t="10:00") == 1_706_781_600_000
    assert value("user_id: {columns: [a, b], join: '-'}", a=1, b="x") == "1-x"
    with pytest.raises(RowError, match=r"^row 0, column a, b: blank, expected a value \(user_id is required\)$"):
        value("user_id: {columns: [a, b], join: '-'}", a=1, b="")
    with pytest.raises(RowError, match=r"^row 0, column d, t: '20240201 noon', expected a time as %Y%m%d %H:%M "):
        value(day_and_time, d=20240201, t="noon")


def test_a_row_number_may_be_an_id() -> None:
    numbered = "transaction_id: {row_number: true, prefix: tx-}"
    result = event(numbered, row_number=12)
    assert isinstance(result, Transaction)
    assert re.fullmatch("tx-12-[0-9a-f]{8}", result.transaction_id)
    assert event(numbered, row_number=12) == result
    other = event(numbered, row_number=12, amount="2")
    assert isinstance(other, Transaction)
    assert other.transaction_id != result.transaction_id
    with pytest.raises(RowError, match=r"expected a row of a file: rows of a stream have no `row_number`"):
        event(numbered)


def test_amounts_in_minor_units_and_with_currency_signs() -> None:
    assert value("amount: {column: amount, scale: 0.01}", amount=5716) == 57.16
    assert value('amount: {column: amount, remove: ["$"]}', amount="$57.16") == 57.16


def test_negative_amounts_may_be_refunds() -> None:
    refunds = "amount: {column: amount, negative: refund}"
    result = event(refunds, amount="-57.16")
    assert isinstance(result, Transaction)
    assert (result.amount, result.kind) == (57.16, "refund")
    result = event(refunds, amount="57.16")
    assert isinstance(result, Transaction)
    assert (result.amount, result.kind) == (57.16, "purchase")
    with pytest.raises(RowError, match=r"^row 0, column amount: '-57.16', expected a number from 0 to 1000000000000$"):
        event("amount: amount", amount="-57.16")


def test_custom_blank_values() -> None:
    mapping = parse_mapping(
        'kind: login\nblank_values: ["-", "NA"]\nfields: {event_id: e, user_id: u, timestamp: t, city: c, device_id: d}'
    )
    row = {"e": "1", "u": "2", "t": "2024-02-01", "c": "-", "d": "NaN"}
    assert event_from_row(row, mapping) == Login(event_id="1", user_id="2", timestamp=1_706_745_600_000)
    own = parse_mapping(PLAIN_MAPPING + "blank_values: [x]\nattributes: {a: a, b: b}")
    result = event_from_row({**BASE, "a": "None", "b": "x"}, own)
    assert isinstance(result, Transaction)
    assert result.attributes == {"a": "None"}  # of an attribute any text may be a value


def test_unmapped_event_id_is_derived_from_the_content() -> None:
    mapping = parse_mapping("kind: login\nfields: {user_id: u, timestamp: t, city: c}")
    row = {"u": "2", "t": "2024-02-01", "c": "Rome"}
    first, again, other = (event_from_row(result, mapping) for result in (row, dict(row), {**row, "c": "Oslo"}))
    assert isinstance(first, Login)
    assert isinstance(other, Login)
    assert first == again
    assert first.event_id.startswith("login:")
    assert first.event_id != other.event_id
    assert decode_event(b'{"type":"login","event_id":"%s","user_id":"2","timestamp":1706745600000,"city":"Rome"}'
                        % first.event_id.encode()) == first  # fmt: skip


def test_first_unreadable_field_in_mapping_order_is_reported() -> None:
    mapping = parse_mapping("kind: transaction\nfields: {amount: a, timestamp: t, user_id: u, transaction_id: i}")
    with pytest.raises(RowError) as caught:
        event_from_row({"a": "x", "t": "y", "u": "", "i": ""}, mapping, 7)
    error = caught.value
    assert (error.row_number, error.column, error.value) == (7, "a", "x")
    assert error.expected == "a number from 0 to 1000000000000"


def test_event_from_row_does_not_read_the_label() -> None:
    mapping = parse_mapping(LABELLED_MAPPING)
    assert event_from_row({**BASE, "fraud": "perhaps"}, mapping) == event("amount: amount")
    records = records_from_row({**BASE, "fraud": "perhaps"}, mapping)
    assert (records.label, records.truth) == (None, None)
    assert [str(one.error).partition(":")[0] for one in records.dropped] == ["row 0, column fraud"]


def test_event_from_row_rejects_profile_mappings() -> None:
    mapping = parse_mapping("kind: merchant\nfields: {merchant_id: m}")
    with pytest.raises(TypeError, match="rows of kind merchant are not events"):
        event_from_row({"m": 1}, mapping)
    assert records_from_row({"m": 1}, mapping).record.merchant_id == "1"  # type: ignore[attr-defined]
