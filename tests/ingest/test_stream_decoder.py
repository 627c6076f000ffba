"""Records of foreign JSON become the events that the conversion of a file makes of the same objects."""

from __future__ import annotations

import json
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from ingest.errors import MappingError
from ingest.stream_decoder import StreamDecoder
from tests.ingest.conversions import converted
from udfs.records.codec import BadRecord, decode_event
from udfs.records.events import Login, Transaction

MAPPING = """
kind: transaction
key_path: $.card.owner
timezone: Europe/Berlin
fields:
  transaction_id: {column: ref, prefix: X}
  user_id: $.card.owner
  timestamp: {columns: [day, time], format: "%d.%m.%Y %H:%M:%S"}
  amount: {column: cents, scale: 0.01, negative: refund}
  currency: {value: EUR}
  channel: {column: ch, lookup: {1: pos, 2: ecommerce}, default: kiosk}
  merchant_id: {column: shop, encode: true}
  city: $.place.town
attributes: {card_type: $.card.type, points: {column: points, type: number}}
nested: [{column: details, into: device_id, path: "$.device[0]", type: text}]
label: {is_fraud: fraud, delay_days: 7}
"""
GOOD: dict[str, Any] = {
    "ref": 71, "card": {"owner": "K 7".replace(" ", "-"), "type": "gold"}, "day": "03.02.2026", "time": "14:05:59",
    "cents": 5716, "ch": "2", "shop": "Café Ülm", "place": {"town": "Bonn"}, "points": "12.5",
    "details": '{"device": ["D1"]}', "fraud": "perhaps", "unknown": [1, {"a": None}],
}  # fmt: skip


def payload(**changes: Any) -> bytes:
    return json.dumps({**GOOD, **changes}).encode()


def test_a_record_becomes_the_mapped_event() -> None:
    assert StreamDecoder(MAPPING)(payload()) == Transaction(
        transaction_id="X71", user_id="K-7", timestamp=1_770_123_959_000, amount=57.16, currency="EUR",
        channel="ecommerce", merchant_id="Caf%C3%A9%20%C3%9Clm", city="Bonn", device_id="D1",
        attributes={"card_type": "gold", "points": 12.5},
    )  # fmt: skip


VARIANTS: list[dict[str, Any]] = [
    {}, {"cents": -5716}, {"cents": "0"}, {"card": {"owner": 123}}, {"card": {"owner": "a"}}, {"place": None},
    {"ch": 9}, {"ch": None}, {"details": None}, {"points": None}, {"shop": "S" * 300}, {"ref": "r" * 63},
    {"details": "{"}, {"points": "x"}, {"card": {"owner": "b", "type": "t" * 65}},
    {"day": "1.1.1970"}, {"time": "25:00:00"}, {"day": None}, {"cents": "many"}, {"cents": 1e300}, {"ref": None},
    {"ref": "r" * 64},
    {"card": "gold"}, {"card": {"owner": "two words"}}, {"card": {"owner": None}},
]  # fmt: skip


def test_a_stream_gives_the_events_and_the_reasons_of_the_converted_file(tmp_path: Path) -> None:
    lines = [payload(fraud=None, **change) for change in VARIANTS]
    file = converted(tmp_path, b"\n".join(lines), MAPPING, "rows.jsonl", keep_order=True)
    assert len(file.events) == 15
    assert len(file.errors) == len(VARIANTS) - 15
    events, reasons = [], []
    decode = StreamDecoder(MAPPING)
    counts: dict[str, int] = {}
    for line in lines:
        try:
            events.append(decode(line, counts))
        except BadRecord as bad:
            reasons.append(str(bad))
    assert events == [decode_event(line) for line in (file.folder / "events.jsonl").read_bytes().splitlines()]
    expected = [
        f"column {error['column']}: {'blank' if error['value'] is None else repr(error['value'])}, expected "
        f"{error['expected']}"
        for error in file.errors
    ]
    assert reasons == expected
    dropped = Counter(f"{one['field']}=(unreadable)" for one in file.lines("dropped.jsonl"))
    assert dropped == {
        "device_id=(unreadable)": 1,
        "attributes.points=(unreadable)": 1,
        "attributes.card_type=(unreadable)": 1,
    }
    found = {name: count for name, count in counts.items() if "(unreadable)" in name}
    assert found == {"device_id=(unreadable)": 1, "attributes=(unreadable)": 2}


def test_strictness_refuses_what_is_dropped_otherwise() -> None:
    strict = pickle.loads(pickle.dumps(StreamDecoder(MAPPING, strict=True)))
    assert strict(payload()) == StreamDecoder(MAPPING)(payload())
    with pytest.raises(BadRecord, match="column points: 'x', expected a number"):
        strict(payload(points="x"))


def test_a_byte_order_mark_and_nan_are_read() -> None:
    decode = StreamDecoder(MAPPING)
    assert decode(b"\xef\xbb\xbf" + payload()) == decode(payload())
    assert decode(payload(points=float("nan"))) == decode(payload(points=None))


def test_epoch_seconds_read_as_milliseconds_are_refused() -> None:
    mapping = MAPPING.replace('{columns: [day, time], format: "%d.%m.%Y %H:%M:%S"}', "{column: at, format: epoch_ms}")
    assert StreamDecoder(mapping)(payload(at=1_770_123_959_000)).timestamp == 1_770_123_959_000
    with pytest.raises(BadRecord, match="epoch_s"):
        StreamDecoder(mapping)(payload(at=1_770_123_959))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty record"),
        (b"{", "not JSON: Input data was truncated"),
        (b"[1]", "expected a JSON object"),
        (b"null", "expected a JSON object"),
        (b'"text"', "expected a JSON object"),
        (b"[" * 200_000, "not JSON: nested too deeply"),
        (b'{"card": "\xff"}', "not UTF-8: invalid start byte at byte 0 of a string"),
        (payload(day="soon"), "column day, time: 'soon 14:05:59', expected a time as %d.%m.%Y %H:%M:%S"),
        (payload(card={"owner": 7.0}), "column card: '7.0', expected the user's id unchanged, a text or a whole number: "),
        (payload(card={"owner": " U1"}), "column card: ' U1', expected the user's id unchanged"),
        (payload(card={"owner": True}), "column card: "),
        (payload(card={}), "column card: blank, expected a value (user_id is required)"),
    ],
)  # fmt: skip
def test_what_cannot_be_mapped_is_a_bad_record_with_the_mappings_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(BadRecord) as bad:
        StreamDecoder(MAPPING)(raw)
    assert str(bad.value).startswith(reason)


def test_codes_that_features_do_not_know_are_counted() -> None:
    counts: dict[str, int] = {}
    assert StreamDecoder(MAPPING)(payload(ch="9"), counts).channel == "kiosk"  # type: ignore[union-attr]
    assert counts == {"channel=kiosk": 1}


def test_other_kinds_of_events_are_streamed_too() -> None:
    decode = StreamDecoder(
        "kind: login\nkey_path: $.who\nfields: {timestamp: {column: t, format: epoch_s}, user_id: who}"
    )
    event = decode(b'{"t": 1770000000, "who": 7}')
    assert isinstance(event, Login)
    assert (event.user_id, event.timestamp, event.event_id[:6]) == ("7", 1_770_000_000_000, "login:")


@pytest.mark.parametrize("library", [pickle, cloudpickle])
def test_the_decoder_travels_with_the_mappings_text_alone(library: Any) -> None:
    decode = StreamDecoder(MAPPING)
    travelled = library.dumps(decode)
    assert len(travelled) < len(MAPPING) + 200
    again = library.loads(travelled)
    assert again.key_path == "$.card.owner"
    assert again(payload()) == decode(payload())


@pytest.mark.parametrize(
    ("mapping", "told"),
    [
        (MAPPING.replace("key_path: $.card.owner\n", ""), "key_path: '$.user_id' is not the path of the column mapped to"),
        (MAPPING.replace("column: ref, prefix: X", "row_number: true"), "fields.transaction_id.row_number: is for files: "),
        ("kind: merchant\nfields: {merchant_id: m}", "key_path: rows of kind merchant are not events of a user"),
        ("fields: [", "line 1: invalid YAML"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_a_streams_is_refused(mapping: str, told: str) -> None:
    with pytest.raises(MappingError, match="^" + told.replace("$", r"\$").replace(".", r"\.")):
        StreamDecoder(mapping)
