"""Whatever the bytes: the core decodes what the codec in Python decodes, gives its reasons, or leaves the record to it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.core.streams import Stream
from tests.udfs.records import test_codec
from udfs.core._native import decoded
from udfs.records.codec import BadRecord, decode_event

REQUIRED = {"transaction_id": "T1", "user_id": "U1", "timestamp": 1_767_225_600_000, "amount": 12.5}
encode = msgspec.json.Encoder().encode


def by_python(payload: bytes) -> dict[str, Any] | str:
    """The event's fields, or the reason."""
    try:
        event = decode_event(payload)
    except BadRecord as bad:
        return str(bad)
    fields = {name: value for name, value in msgspec.structs.asdict(event).items() if value is not None}
    return {"type": event.__struct_config__.tag, **fields}


def compare(payload: bytes) -> bool:
    """Raises AssertionError where the two differ; was it left to Python?"""
    expected, found = by_python(payload), decoded(payload)
    assert found is None or found == expected, payload
    if isinstance(expected, dict):
        assert decoded(encode(decode_event(payload)), canonical=True) == expected, payload
    return found is None


@pytest.mark.parametrize("name", test_codec.POISON)
def test_poison_is_refused_with_the_same_words(name: str) -> None:
    compare(test_codec.POISON[name][0])


@pytest.mark.parametrize("name", test_codec.UNREADABLE_OPTIONAL)
def test_what_is_dropped_is_dropped_by_both(name: str) -> None:
    compare(test_codec.UNREADABLE_OPTIONAL[name][0])


@pytest.mark.parametrize("blank", test_codec.BLANKS)
def test_what_stands_for_a_missing_value_is_absent_in_both(blank: str) -> None:
    for field in ("merchant_id", "city", "country", "kind", "currency", "auth_result", "channel", "user_id"):
        assert not compare(encode({**REQUIRED, field: blank}))


@pytest.mark.parametrize(
    "value",
    ["3.57303E+15", "4,99e18", "5E+15", "1.5e1", "1.25e1", "1e5", "123.0", "-1.5E+20", "1.5E+1x", "1.E+5", "-", "3"],
)
def test_numbers_in_floating_point_notation_are_no_ids_in_both(value: str) -> None:
    for field in ("user_id", "card_id"):
        assert not compare(encode({**REQUIRED, field: value}))


@pytest.mark.parametrize("written", ["bob@GMail.com", "a@b@X.org ", "bob@", "bob@-", "@", "x@é", "GMail.com"])
def test_of_an_address_both_keep_the_domain(written: str) -> None:
    compare(encode({**REQUIRED, "email_domain": written}))


@pytest.mark.parametrize(
    "time",
    [9_999, 10_000, 45_306, 20_240_101, 197_001_010_000, 202_401_011_200, 202_413_011_200, 20_240_101_120_000, 10**13,
     "1976-05-31T13:10:01.200Z", "2594-04-08T00:00:00Z"],
)  # fmt: skip
def test_times_in_other_units_are_refused_by_both(time: Any) -> None:
    compare(encode({**REQUIRED, "timestamp": time}))
    compare(encode({**WHOLE["label"], "timestamp": 5, "known_at": time}))


def test_hardly_a_sound_record_is_left_to_python() -> None:
    stream = Stream(1)
    payloads = [payload for _, payload, _ in stream.batch(3_000) if payload]
    sound = [payload for payload in payloads if isinstance(by_python(payload), dict)]
    left = sum(compare(payload) for payload in payloads)
    assert left < len(payloads) - len(sound) + 0.03 * len(sound)


IDS = st.one_of(
    st.from_regex(r"-?[0-9]{1,2}[.,]?[0-9]{0,3}[eE]\+?[0-9]{0,4}", fullmatch=True),
    st.text(max_size=70),
    st.text("ab 1-~é'\"\\\n", max_size=8),
    st.integers(),
    st.floats(),
    st.none(),
    st.booleans(),
)
TEXTS = st.one_of(
    st.text(max_size=260),
    st.text("aé😀 ", max_size=300),
    st.none(),
    st.integers(),
    st.sampled_from(("3.57303E+15", "a@B.c", "a@", ".", "n/d", "0.0.0.0", "empty")),
    st.sampled_from(
        ("N/A", "NA", "USA", "us", "840", "Narnia", "Côte d'Ivoire", "cote d ivoire", "UNKNOWN", "-", "\\N")
    ),
    st.sampled_from(("USD", "usd", "Refund", " APPROVED ", "Mag-Stripe", "ÀTM", "Kiosk", "\x1catm\x1f", "İ", "ς")),
)
NUMBERS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(),
    st.none(),
    st.text(max_size=3),
    st.just(-0.0),
    st.just(1e13),
)
MOMENTS = st.one_of(
    st.integers(-1, 253_402_300_800_000),
    st.integers(),
    st.floats(),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
    st.text(max_size=30),
    st.sampled_from(
        ("2026-01-01T00:00:00.1234567Z", "2026-01-01 00:00:00Z", "2026-01-01t00:00:00z", "0001-01-01T00:00:00+23:59")
    ),
)
ATTRIBUTES = st.one_of(
    st.none(),
    st.dictionaries(
        st.one_of(st.text("ab_1", max_size=34), st.text(max_size=3)),
        st.one_of(TEXTS, NUMBERS, st.booleans(), st.lists(st.none())),
        max_size=18,
    ),
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(
        (
            "transaction_id",
            "user_id",
            "merchant_id",
            "merchant_category",
            "device_id",
            "session_id",
            "card_id",
            "beneficiary_id",
        ),
        IDS,
    ),
    **dict.fromkeys(
        (
            "currency",
            "kind",
            "auth_result",
            "merchant_country",
            "channel",
            "entry_mode",
            "ip_address",
            "city",
            "country",
            "email_domain",
        ),
        TEXTS,
    ),
    **dict.fromkeys(
        ("amount", "latitude", "longitude", "distance_from_home_km", "account_tenure_months", "txns_last_1h"), NUMBERS
    ),
    **dict.fromkeys(("timestamp", "known_at"), MOMENTS),
    **dict.fromkeys(("otp_used", "success", "is_fraud"), st.one_of(st.booleans(), st.none(), st.integers(0, 1))),
    "attributes": ATTRIBUTES,
    "event_id": IDS,
    "audit_user": TEXTS,
    "old_status": TEXTS,
    "resolution_code": TEXTS,
    "reason": TEXTS,
    "type": st.one_of(st.sampled_from(("transaction", "login", "account_change", "label", "decision")), TEXTS),
    "more": st.one_of(ATTRIBUTES, NUMBERS),
}
SOME = st.fixed_dictionaries({}, optional=FIELDS)
WHOLE: dict[str, dict[str, Any]] = {
    "transaction": REQUIRED,
    "login": {"type": "login", "event_id": "E1", "user_id": "U1", "timestamp": 5},
    "account_change": {"type": "account_change", "event_id": "E1", "user_id": "U1", "timestamp": 5},
    "label": {
        "type": "label",
        "event_id": "E1",
        "transaction_id": 7,
        "user_id": "U1",
        "timestamp": 5,
        "known_at": 6,
        "is_fraud": True,
    },
}


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(sorted(WHOLE)), SOME, st.sets(st.sampled_from(sorted(FIELDS)), max_size=4), st.booleans())
def test_any_values_of_fields(kind: str, some: dict[str, Any], kept: set[str], ascii_only: bool) -> None:
    fields = {**WHOLE[kind], **{name: value for name, value in some.items() if name in kept}}
    text = json.dumps(fields, ensure_ascii=ascii_only)
    compare(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_any_damage_to_a_record(data: st.DataObject) -> None:
    record = bytearray(encode({**REQUIRED, "city": "Köln", "more": [1, {"a": None}], "attributes": {"job": "x"}}))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(record) - 1))
        record[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=3))
    compare(bytes(record))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes(payload: bytes) -> None:
    compare(payload)
