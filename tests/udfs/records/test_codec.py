"""Any bytes become an event of the contract or one BadRecord; nothing else leaves `decode_event`."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from udfs.records.blank_texts import is_blank_text
from udfs.records.codec import BadRecord, decode_event, decode_strictly
from udfs.records.countries import country_code
from udfs.records.events import AccountChange, Label, Login, Transaction
from udfs.records.lost_digits import has_lost_digits
from udfs.records.profiles import UserProfile

START = 1_767_225_600_000  # 2026-01-01T00:00:00Z
LONGEST_REASON = 500
REQUIRED = {"transaction_id": '"T1"', "user_id": '"U1"', "timestamp": str(START), "amount": "12.5"}
LOGIN = {"type": '"login"', "event_id": '"E1"', "user_id": '"U1"', "timestamp": str(START)}
CHANGE = {**LOGIN, "type": '"account_change"'}
LABEL = {**LOGIN, "type": '"label"', "transaction_id": '"T1"', "known_at": str(START), "is_fraud": "true"}
OPTIONAL_IDS = ("merchant_id", "merchant_category", "device_id", "session_id", "card_id", "beneficiary_id")
TEXTS = ("merchant_country", "channel", "entry_mode", "ip_address", "city", "country", "email_domain")


def record(base: dict[str, str] = REQUIRED, /, **raw: str) -> bytes:
    """A record from JSON texts of its fields; replaced fields of the base keep their position."""
    return ("{" + ",".join(f'"{name}":{value}' for name, value in {**base, **raw}.items()) + "}").encode()


def reason_of(payload: bytes) -> str:
    with pytest.raises(BadRecord) as caught:
        decode_event(payload)
    return str(caught.value)


def transaction(**raw: str) -> Transaction:
    event = decode_event(record(**raw))
    assert type(event) is Transaction
    return event


# -- invalid records -----------------------------------------------------------------------------------------------------

DEEP = "[" * 200_000 + "]" * 200_000
POISON = {
    "empty": (b"", "empty record"),
    "only spaces": (b" \n", "truncated"),
    "null": (b"null", "object.*null"),
    "a number": (b"5", "object.*int"),
    "a string": (b'"x"', "object.*str"),
    "an array": (b"[1]", "object.*array"),
    "not UTF-8 at all": (b"\xff\xfe\x00\x01", r"byte 0"),
    "not UTF-8 in an id": (record(user_id='"Ux"').replace(b"x", b"\xff"), "UTF-8"),
    "not UTF-8 in a text": (record(city='"x"').replace(b"x", b"\xc3\x28"), "UTF-8"),
    "a surrogate as bytes": (record(city='"x"').replace(b"x", b"\xed\xa0\x80"), "UTF-8"),
    "UTF-16 with a mark": (record().decode().encode("utf-16"), "byte 0"),
    "UTF-16 without a mark": (record().decode().encode("utf-16-le"), "byte 1"),
    "deep arrays": (b"[" * 200_000, "object.*array"),
    "deep arrays in an id": (record(user_id=DEEP), "nested too deeply"),
    "deep arrays in an unknown field": (record(x=DEEP), "nested too deeply"),
    "deep objects": (b'{"x":' * 200_000, "nested too deeply"),
    "deep objects under the tag": (b'{"type":' * 200_000, "nested too deeply|type"),
    "truncated": (record()[:-4], "truncated"),
    "truncated in a string": (record()[:22], "truncated"),
    "trailing letters": (record() + b"x", r"trailing characters \(byte \d+"),
    "two records": (record() + record(), r"trailing characters \(byte \d+"),
    "a trailing NUL": (record() + b"\0", r"trailing characters \(byte \d+"),
    "a raw NUL in an id": (record(user_id='"a\0b"'), r"byte \d+"),
    "a raw line end in a text": (record(city='"a\nb"'), r"byte \d+"),
    "a comment": (record()[:-1] + b"/* */}", r"byte \d+"),
    "single quotes": (b"{'user_id':'U1'}", r"byte \d+"),
    "a lone high surrogate": (record(user_id=r'"\ud800"'), "JSON"),
    "a lone low surrogate": (record(user_id=r'"\udc00x"'), "surrogate"),
    "a lone surrogate in an unknown field": (record(x=r'"\ud800"'), "JSON"),
    "a NUL id": (record(user_id=r'"a\u0000b"'), r"user_id: 'a\\x00b'"),
    "an emoji id": (record(user_id='"\U0001f600"'), "user_id"),
    "an id of 600 KB": (record(user_id='"' + "a" * 600_000 + '"'), "user_id"),
    "a tag of 900 KB": (record(type='"' + "a" * 900_000 + '"'), "unknown event type 'aaa"),
    "a time of 900 KB": (record(timestamp='"' + "1" * 900_000 + '"'), "timestamp"),
    "amount NaN": (record(amount="NaN"), "amount"),
    "amount infinite": (record(amount="-Infinity"), "amount"),
    "amount a string": (record(amount='"12"'), "amount"),
    "amount null": (record(amount="null"), "amount"),
    "amount a bool": (record(amount="true"), "amount"),
    "amount negative": (record(amount="-0.01"), "amount"),
    "amount 1e400": (record(amount="1e400"), "amount"),
    "amount of 400 digits": (record(amount="9" * 400), "amount"),
    "amount of 20,000 digits": (record(amount="9" * 20_000), "amount"),
    "amount above the limit": (record(amount="1000000000000.01"), "amount: 1000000000000.01 is above"),
    "time negative": (record(timestamp="-1"), "timestamp: -1 "),
    "time after the year 9999": (record(timestamp="253402300800000"), "timestamp: 253402300800000 "),
    "time in nanoseconds": (record(timestamp=str(START * 1_000_000)), "timestamp.*looks like epoch nanoseconds"),
    "time in seconds": (record(timestamp=str(START // 1000)), "timestamp: 1767225600 ms .* looks like epoch seconds"),
    "time in microseconds": (record(timestamp=str(START * 1_000)), "timestamp.*looks like epoch microseconds"),
    "label known at a time in seconds": (record(LABEL, known_at=str(START // 1000)), "known_at.*epoch seconds"),
    "time a date": (record(timestamp="20240101"), r"timestamp: 20240101 ms .* a calendar time \(YYYYMMDD\)"),
    "time a date and time": (
        record(timestamp="202401011200"),
        r"timestamp: 202401011200 looks like .*\(YYYYMMDDHHMM\)",
    ),
    "time with seconds": (record(timestamp="20240101120000"), r"timestamp: 20240101120000 .*\(YYYYMMDDHHMMSS\)"),
    "time a spreadsheet's day": (record(timestamp="45306"), "timestamp: 45306 ms .* looks like days of a spreadsheet"),
    "time in minutes": (record(timestamp="28426560"), "timestamp: 28426560 ms .* a count in another unit"),
    "login at a date": (record(LOGIN, timestamp="20240101"), "timestamp: 20240101 ms"),
    "label known at a date": (
        record(LABEL, known_at="203001011200"),
        "known_at: 203001011200 looks like a calendar time",
    ),
    "user of a spreadsheet": (record(user_id='"3.57303E+15"'), "user_id: '3.57303E.15' is a number in floating-point"),
    "user of a double": (record(user_id='"4.992346398065154E18"'), "user_id: .* has lost its last digits"),
    "event of a spreadsheet": (record(LOGIN, event_id='"1E+18"'), "event_id: '1E.18' is a number in floating-point"),
    "NaN in a required id": (record(user_id="NaN"), "user_id"),
    "time of 30 digits": (record(timestamp="9" * 30), "timestamp"),
    "time of 20,000 digits": (record(timestamp="9" * 20_000), "timestamp"),
    "time a float": (record(timestamp="1767225600000.5"), "timestamp"),
    "time a whole float": (record(timestamp="1767225600000.0"), "timestamp"),
    "time in exponents": (record(timestamp="1e12"), "timestamp"),
    "time a bool": (record(timestamp="true"), "timestamp"),
    "time null": (record(timestamp="null"), "timestamp"),
    "time as decimal text": (record(timestamp=f'"{START}"'), "timestamp"),
    "ISO without an offset": (record(timestamp='"2026-01-01T00:00:00"'), "timestamp"),
    "ISO date only": (record(timestamp='"2026-01-01"'), "timestamp"),
    "ISO before 1970": (record(timestamp='"1969-12-31T23:59:59.999Z"'), "timestamp: -1 "),
    "ISO of the year 1": (record(timestamp='"0001-01-01T00:00:00+23:59"'), "timestamp"),
    "ISO past 9999": (record(timestamp='"9999-12-31T23:59:59-23:59"'), "timestamp"),
    "ISO month 13": (record(timestamp='"2026-13-01T00:00:00Z"'), "timestamp"),
    "ISO February 29 of no leap year": (record(timestamp='"2026-02-29T00:00:00Z"'), "timestamp"),
    "ISO leap second": (record(timestamp='"2016-12-31T23:59:60Z"'), "timestamp"),
    "id a bool": (record(user_id="true"), "user_id"),
    "id a float": (record(user_id="1.5"), "user_id"),
    "id a whole float": (record(user_id="1.0"), "user_id"),
    "id null": (record(user_id="null"), "user_id"),
    "id an object": (record(user_id="{}"), "user_id"),
    "id empty": (record(transaction_id='""'), "transaction_id: ''"),
    "id with a space": (record(transaction_id='"a b"'), "transaction_id: 'a b'"),
    "id with a tab": (record(transaction_id=r'"a\tb"'), "transaction_id"),
    "id with DEL": (record(transaction_id=r'"\u007f"'), "transaction_id"),
    "id with an accent": (record(transaction_id='"é"'), "transaction_id"),
    "id of 65 characters": (record(user_id='"' + "a" * 65 + '"'), "user_id"),
    "id of 65 digits": (record(user_id="9" * 65), "user_id"),
    "id of 20,000 digits": (record(transaction_id="9" * 20_000), "transaction_id"),
    "a user of nobody": (record(user_id='"N/A"'), "user_id: 'N/A' stands for a missing value"),
    "an id as databases write null": (record(transaction_id=r'"\\N"'), "transaction_id: .* stands for a missing value"),
    "required field missing": (b'{"transaction_id":"T","user_id":"U","timestamp":1}', "amount"),
    "empty object": (b"{}", "transaction_id"),
    "unknown tag": (record(type='"payment"'), "unknown event type 'payment': expected one of transaction, login"),
    "empty tag": (record(type='""'), "unknown event type ''"),
    "tag null": (record(type="null"), "type"),
    "tag a number": (record(type="5"), "type"),
    "two tags": (b'{"type":"login",' + record(type='"transaction"')[1:], "type"),
    "a kind that is none": (record(kind='"gift"'), "kind"),
    "a kind of 256 letters": (record(kind='"' + "g" * 256 + '"'), "kind: 'ggg.*purchase, refund, reversal"),
    "deep arrays in an attribute": (record(attributes='{"job":' + DEEP + "}"), "nested too deeply"),
    "a bad attribute, then no JSON": (record(attributes='{"job":[1]}')[:-1] + b"]", "not JSON"),
    "currency of two letters": (record(currency='"EU"'), "currency"),
    "currency with an accent": (record(currency='"ÉUR"'), "currency"),
    "login without event id": (record({k: v for k, v in LOGIN.items() if k != "event_id"}), "event_id"),
    "login of a bad event id": (record(LOGIN, event_id='"a b"'), "event_id: 'a b'"),
    "login of a bad time": (record(LOGIN, timestamp="-5"), "timestamp"),
    "label known before its transaction": (record(LABEL, known_at=str(START - 1)), "known_at"),
    "label known past 9999": (record(LABEL, known_at="253402300800000"), "known_at"),
    "label of a bad transaction": (record(LABEL, transaction_id='"a b"'), "transaction_id"),
    "label with a number for a bool": (record(LABEL, is_fraud="1"), "is_fraud"),
}
UNREADABLE_OPTIONAL = {
    "a text of 900 KB": (record(city='"' + "a" * 900_000 + '"'), "city"),
    "latitude out of range": (record(latitude="90.0001"), "latitude"),
    "longitude out of range": (record(longitude="-180.5"), "longitude"),
    "an authorization result that is none": (record(auth_result='"maybe"'), "auth_result"),
    "a negative distance": (record(distance_from_home_km="-0.1"), "distance_from_home_km"),
    "a negative age of the account": (record(account_tenure_months="-1"), "account_tenure_months"),
    "a negative count": (record(txns_last_1h="-1"), "txns_last_1h"),
    "a count as text": (record(txns_last_1h='"3"'), "txns_last_1h"),
    "attributes as a list": (record(attributes='["a"]'), "attributes"),
    "attributes as text": (record(attributes='"a"'), "attributes"),
    "a list in an attribute": (record(attributes='{"a":"x","job":[1]}'), "attributes: 'job' is not a text, a number"),
    "an object in an attribute": (record(attributes='{"job":{}}'), "attributes: 'job'"),
    "an attribute 1e400": (record(attributes='{"job":1e400}'), "attributes"),
    "an attribute of 65 bytes": (record(attributes='{"job":"' + "a" * 65 + '"}'), "attributes.job: 65 bytes"),
    "an attribute of 66 bytes": (record(attributes='{"job":"' + "é" * 33 + '"}'), "attributes.job: 66 bytes"),
    "an attribute of 600 KB": (record(attributes='{"job":"' + "a" * 600_000 + '"}'), "attributes.job: 600000 bytes"),
    "an attribute in capitals": (record(attributes='{"Job":"a"}'), "attributes: 'Job' is no name"),
    "an attribute without name": (record(attributes='{"":"a"}'), "attributes: '' is no name"),
    "an attribute with a NUL": (record(attributes=r'{"a\u0000":"a"}'), r"attributes: 'a\\x00' is no name"),
    "an attribute's name of 33 letters": (record(attributes='{"' + "a" * 33 + '":1}'), "is no name"),
    "an attribute's name of 600 KB": (record(attributes='{"' + "a" * 600_000 + '":1}'), "is no name"),
    "a null under a bad name": (record(attributes='{"1a":null}'), "attributes: '1a' is no name"),
    "17 attributes": (record(attributes=json.dumps({f"a{n}": n for n in range(17)})), "17 of them, at most 16"),
    "login of a long city": (record(LOGIN, city='"' + "é" * 129 + '"'), "city: 258 bytes"),
    "change of a long reason": (record(CHANGE, reason='"' + "é" * 129 + '"'), "reason: 258 bytes"),
    "label of a bad merchant": (record(LABEL, merchant_id='"a b"'), "merchant_id"),
    "a longitude as text": (record(longitude='"8,5"'), "longitude"),
    "an id a list": (record(device_id="[]"), "device_id"),
    "an id with a space": (record(merchant_id='"Joe\'s Diner"'), "merchant_id: .* is not an id"),
    "an id that lost its digits": (
        record(card_id='"-3,57303e15"'),
        "card_id: '-3,57303e15' is a number in floating-point",
    ),
    "login with a text for a bool": (record(LOGIN, success='"yes"'), "success"),
}
"""Records of which one optional field cannot be read, and what the reason says."""


@pytest.mark.parametrize("name", POISON)
def test_an_invalid_record_has_a_reason_that_names_the_field(name: str) -> None:
    payload, words = POISON[name]
    with pytest.raises(BadRecord, match=words) as caught:
        decode_event(payload)
    assert len(str(caught.value)) <= LONGEST_REASON
    str(caught.value).encode()  # it is sent in a header


@pytest.mark.parametrize("name", UNREADABLE_OPTIONAL)
def test_an_optional_field_that_cannot_be_read_is_dropped_and_counted(name: str) -> None:
    payload, words = UNREADABLE_OPTIONAL[name]
    dropped: dict[str, int] = {}
    event = decode_event(payload, dropped)
    assert event.user_id == "U1"
    ((counted, count),) = dropped.items()
    assert counted in {f"{field}=(unreadable)" for field in event.__struct_fields__}
    assert count >= 1
    field = counted.partition("=")[0]
    assert getattr(event, field) is None or field == "attributes"
    with pytest.raises(BadRecord, match=words) as caught:
        decode_strictly(payload)
    assert len(str(caught.value)) <= LONGEST_REASON
    str(caught.value).encode()


def test_what_is_dropped_leaves_the_rest_of_the_payment() -> None:
    event = decode_event(
        record(
            merchant_id='"Joe\'s Diner"', latitude="NaN", longitude="8.5", kind="null", otp_used="1.0", device_id="7.0",
            city='"NaN, Infinity"', attributes='{"job":"nurse","Bad":1,"age":NaN}',
        )
    )  # fmt: skip
    assert event == Transaction(
        transaction_id="T1", user_id="U1", timestamp=START, amount=12.5, longitude=8.5, otp_used=True, device_id="7",
        city="NaN, Infinity", attributes={"job": "nurse"},
    )  # fmt: skip


@pytest.mark.parametrize("nan", ["NaN", "Infinity", "-Infinity"])
def test_nan_is_absent_in_every_kind_of_record_and_beside_other_faults(nan: str) -> None:
    assert decode_event(record(LOGIN, device_id=nan, success="true")) == Login(
        event_id="E1", user_id="U1", timestamp=START, success=True
    )
    assert decode_event(record(CHANGE, reason=nan)) == AccountChange(event_id="E1", user_id="U1", timestamp=START)
    label = Label(event_id="E1", transaction_id="T1", user_id="U1", timestamp=START, known_at=START, is_fraud=True)
    assert decode_event(record(LABEL, merchant_id=nan)) == label
    assert transaction(kind="null", latitude=nan) == transaction()
    dropped: dict[str, int] = {}
    assert decode_event(record(otp_used='"x"', latitude=nan), dropped) == transaction()
    assert dropped == {"otp_used=(unreadable)": 1}


@pytest.mark.parametrize("text", ["1e5", "7E10", "123.0", "1.25e1", "12.5E+15", "A.5E+15", "1.5E+1x", "0.5"])
def test_texts_that_only_look_like_numbers_are_ids_as_they_are(text: str) -> None:
    assert transaction(user_id=f'"{text}"', card_id=f'"{text}"').card_id == text


@pytest.mark.parametrize(
    ("written", "domain"),
    [("bob@GMail.com", "gmail.com"), ('"a@b"@x.org', "x.org"), (" bob@ x.org ", "x.org"), ("bob@", None), ("@", None),
     ("bob@N/A", None), ("Zoë@Café.fr", "café.fr")],
)  # fmt: skip
def test_of_a_whole_address_the_domain_is_kept(written: str, domain: str | None) -> None:
    assert transaction(email_domain=json.dumps(written)).email_domain == domain


def test_iso_times_are_never_taken_for_calendar_numbers() -> None:
    """1976-05-31T13:10:01.200Z is 202401011200 ms."""
    moment = datetime.fromtimestamp(202_401_011_200 / 1000, UTC).isoformat()
    assert transaction(timestamp=f'"{moment}"').timestamp == 202_401_011_200
    assert transaction(timestamp="202413011200").timestamp == 202_413_011_200  # there is no 13th month
    assert transaction(timestamp="209999999999").timestamp == 209_999_999_999


def test_the_first_16_attributes_are_kept() -> None:
    event = transaction(attributes=json.dumps({f"a{n}": n for n in range(20)}))
    assert event.attributes == {f"a{n}": float(n) for n in range(16)}


BLANKS = (
    "",
    " ",
    "N/A",
    "n/a",
    "NULL",
    "null",
    r"\N",
    "(null)",
    "#N/A",
    "-",
    "None",
    "<NA>",
    "undefined",
    "Unknown",
    ".",
    "n/d",
    "(Empty)",
    "Not set",
    "0.0.0.0",
    "00000000-0000-0000-0000-000000000000",
)


@pytest.mark.parametrize("blank", BLANKS)
def test_texts_that_stand_for_a_missing_value_are_absent(blank: str) -> None:
    written = json.dumps(blank)
    dropped: dict[str, int] = {}
    optional = (*OPTIONAL_IDS, *TEXTS, "currency", "kind", "auth_result")
    assert decode_event(record(**dict.fromkeys(optional, written)), dropped) == transaction()
    assert dropped == {}
    with pytest.raises(BadRecord, match="user_id"):
        decode_event(record(user_id=written))


def test_the_country_na_is_namibia() -> None:
    assert transaction(country='"NA"', merchant_country='"na"', city='"NA"').country == "NA"
    assert transaction(merchant_country='"na"').merchant_country == "NA"
    assert transaction(city='"NA"').city is None


@pytest.mark.parametrize("field", ["country", "merchant_country"])
@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("US", "US"), ("us", "US"), (" USA ", "US"), ("United States", "US"), ("U.S.A.", "US"), ("840", "US"),
        ("UNITED STATES OF AMERICA", "US"), ("UK", "GB"), ("GBR", "GB"), ("England", "GB"), ("Deutschland", "DE"),
        ("276", "DE"), ("36", "AU"), ("Côte d'Ivoire", "CI"), ("cote d ivoire", "CI"), ("Türkiye", "TR"), ("TURKEY", "TR"),
        ("Korea, Republic of", "KR"), ("South Korea", "KR"), ("Viet Nam", "VN"), ("Hong Kong", "HK"),
        ("Czech Republic", "CZ"), ("The Netherlands", "NL"), ("Russian Federation", "RU"), ("Kosovo", "XK"),
    ],
)  # fmt: skip
def test_a_country_has_one_code_however_it_is_written(field: str, written: str, code: str) -> None:
    unknown: dict[str, int] = {}
    event = decode_event(record(**{field: json.dumps(written)}), unknown)
    assert (getattr(event, field), unknown) == (code, {})


def test_unknown_countries_are_kept_in_upper_case_and_counted() -> None:
    unknown: dict[str, int] = {}
    event = decode_event(record(country='" Narnia "', merchant_country='"ZZ"'), unknown)
    assert isinstance(event, Transaction)
    assert (event.country, event.merchant_country) == ("NARNIA", "ZZ")
    assert unknown == {"country=NARNIA": 1, "merchant_country=ZZ": 1}
    assert transaction(country="840").country == "US"


def test_currencies_and_domains_are_compared_without_regard_to_case() -> None:
    assert transaction(currency='" eur "').currency == "EUR"
    assert transaction(email_domain='"GMail.COM"').email_domain == "gmail.com"


def test_a_byte_order_mark_is_ignored() -> None:
    assert decode_event(b"\xef\xbb\xbf" + record()) == transaction()
    assert decode_event(b"\xef\xbb\xbf" + record(LOGIN)) == decode_event(record(LOGIN))


@pytest.mark.parametrize("field", ["kind", "currency"])
def test_a_reason_is_short_for_a_long_invalid_value(field: str) -> None:
    """Reasons are sent in headers and JSON lines, which must stay small."""
    reason = reason_of(record(**{field: '"' + "a" * 900_000 + '"'}))
    assert field in reason
    assert len(reason) <= LONGEST_REASON


@pytest.mark.parametrize("code", ["A1B", "US$", r"U\u0000S", "EURO"])
def test_a_currency_is_exactly_three_letters(code: str) -> None:
    assert "currency" in reason_of(record(currency=f'"{code}"'))


@pytest.mark.parametrize(
    "payload",
    [record(comment='"x"').replace(b'"x"', b'"\xff"'), record(x="1").replace(b'"x"', b'"\xc3\x28"')],
    ids=["in an unknown field's value", "in an unknown field's name"],
)
def test_invalid_utf8_is_refused_at_any_position(payload: bytes) -> None:
    """JSON must be valid UTF-8 as a whole, unknown fields included."""
    assert "UTF-8" in reason_of(payload)


@pytest.mark.parametrize("fraction", ["9999999", "999999999"])
def test_fractions_of_a_second_are_rounded_to_microseconds_first(fraction: str) -> None:
    """.NET writes 7 digits, Java 9."""
    assert transaction(timestamp=f'"2025-12-31T23:59:59.{fraction}Z"').timestamp == START
    assert transaction(timestamp='"2025-12-31T23:59:59.9994999Z"').timestamp == START - 1


# -- valid records -------------------------------------------------------------------------------------------------------


def test_a_record_of_900_kb_in_an_unknown_field_is_an_event() -> None:
    assert transaction(comment='"' + "a" * 900_000 + '"').transaction_id == "T1"


def test_unknown_fields_of_any_type_are_ignored() -> None:
    plain = transaction()
    assert transaction(x="null", y='{"user_id":"U2"}', z="[1e400,-0,true]", USER_ID='"U3"') == plain


def test_absent_and_null_optional_fields_are_none() -> None:
    absent = transaction()
    optional = [name for name in Transaction.__struct_fields__ if name not in (*REQUIRED, "kind")]
    assert {getattr(absent, name) for name in optional} == {None}
    assert absent.kind == "purchase"
    assert transaction(**dict.fromkeys(optional, "null")) == absent


def test_the_last_value_of_a_repeated_key_is_used() -> None:
    event = decode_event(b'{"user_id":"U0",' + record()[1:])
    assert event.user_id == "U1"


@pytest.mark.parametrize("field", ["transaction_id", "user_id", *OPTIONAL_IDS])
@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("0", "0"), ("-0", "0"), ("7", "7"), ("-5", "-5"), (str(2**63), str(2**63)), (str(2**64 + 1), str(2**64 + 1)),
        ("9" * 64, "9" * 64), ('"007"', "007"), ('"~!"', "~!"), ('"' + "x" * 64 + '"', "x" * 64), (r'"\u0041\/"', "A/"),
        (r'"\"\\"', '"\\'), ('"true"', "true"),
    ],
)  # fmt: skip
def test_every_decoded_id_is_text(field: str, raw: str, text: str) -> None:
    value = getattr(transaction(**{field: raw}), field)
    assert type(value) is str
    assert value == text


@pytest.mark.parametrize("field", OPTIONAL_IDS)
@pytest.mark.parametrize(
    "raw", ["true", "1.5", '"a b"', '"é"', "9" * 65, '"' + "a" * 65 + '"', "[]", r'"\u0000"', "1e17"]
)
def test_every_optional_id_is_checked_like_a_required_one(field: str, raw: str) -> None:
    dropped: dict[str, int] = {}
    assert decode_event(record(**{field: raw}), dropped) == transaction()
    assert dropped == {f"{field}=(unreadable)": 1}
    with pytest.raises(BadRecord, match=field):
        decode_strictly(record(**{field: raw}))


@pytest.mark.parametrize("field", [field for field in TEXTS if "country" not in field])
@pytest.mark.parametrize("letter", ["a", "é", "€", "\U0001f600"])
def test_texts_are_limited_to_256_bytes_of_utf8(field: str, letter: str) -> None:
    size = len(letter.encode())
    full = letter * (256 // size) + "a" * (256 % size)
    for text in (full, json.dumps(full)[1:-1]):  # as it is, and escaped
        assert getattr(transaction(**{field: f'"{text}"'}), field) == full
        assert getattr(transaction(**{field: f'"{text}a"'}), field) is None
        with pytest.raises(BadRecord, match=field):
            decode_strictly(record(**{field: f'"{text}a"'}))


def test_control_characters_in_texts_are_kept() -> None:
    assert transaction(city=r'"a\u0000\u001f\n\u007f"').city == "a\x00\x1f\n\x7f"


def test_limits_of_amount_and_time_are_inclusive() -> None:
    assert transaction(amount="0").amount == 0.0
    assert transaction(amount="-0.0").amount == 0.0
    assert transaction(amount="1e-400").amount == 0.0
    assert transaction(amount="1000000000000").amount == 1e12
    assert transaction(timestamp="0").timestamp == 0
    assert transaction(timestamp="253402300799999").timestamp == 253_402_300_799_999
    assert transaction(timestamp='"9999-12-31T23:59:59.999Z"').timestamp == 253_402_300_799_999
    assert transaction(latitude="-90", longitude="180").longitude == 180.0


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01T00:00:00Z", "2026-01-01t00:00:00z", "2026-01-01 00:00:00Z", "2026-01-01T05:45:00+05:45",
        "2025-12-31T12:00:00-12:00", "2026-01-01T00:00:00.000999Z", "2026-01-01T01:00:00+0100",
        "2026-01-01T00:00:00-00:00", "2026-01-01T23:59:00+23:59",
    ],
)  # fmt: skip
def test_iso_times_of_any_offset_give_the_same_time(text: str) -> None:
    assert transaction(timestamp=f'"{text}"').timestamp == START


def test_the_tag_may_be_anywhere_and_defaults_to_transaction() -> None:
    assert decode_event(record(type='"transaction"')) == decode_event(b'{"type":"transaction",' + record()[1:])
    login = decode_event(record({**{k: v for k, v in LOGIN.items() if k != "type"}, "type": '"login"'}))
    assert login == Login(event_id="E1", user_id="U1", timestamp=START)


def test_a_label_may_be_known_at_its_transactions_time() -> None:
    label = decode_event(record(LABEL, merchant_id="5"))
    assert label == Label(
        event_id="E1",
        transaction_id="T1",
        user_id="U1",
        timestamp=START,
        known_at=START,
        is_fraud=True,
        merchant_id="5",
    )


# -- codes and attributes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "written", "code"),
    [
        ("kind", "Purchase", "purchase"), ("kind", " REFUND ", "refund"), ("kind", "Reversal\t", "reversal"),
        ("auth_result", "APPROVED", "approved"), ("auth_result", " Declined", "declined"),
        ("channel", "ATM", "atm"), ("channel", " Pos ", "pos"), ("channel", "Point of Sale", "pos"),
        ("channel", "E-Commerce", "ecommerce"), ("channel", "ecom", "ecommerce"), ("channel", "Online", "online"),
        ("channel", "UPI", "upi"), ("channel", "Wire_Transfer", "wire"), ("channel", "mobile-app", "app"),
        ("entry_mode", "Manual", "manual"), ("entry_mode", "KEYED", "manual"), ("entry_mode", "Key-Entered", "manual"),
        ("entry_mode", "Swipe", "magstripe"), ("entry_mode", "mag stripe", "magstripe"),
        ("entry_mode", "Magnetic_Stripe", "magstripe"), ("entry_mode", "NFC", "contactless"),
        ("entry_mode", "tap", "contactless"), ("entry_mode", "Contact-less", "contactless"), ("entry_mode", "EMV", "chip"),
        ("entry_mode", "Chip & PIN", "chip"), ("entry_mode", "ecommerce", "online"),
    ],
)  # fmt: skip
def test_codes_are_normalised_from_spellings_and_letter_case(field: str, written: str, code: str) -> None:
    unknown: dict[str, int] = {}
    event = decode_event(record(**{field: json.dumps(written)}), unknown)
    assert (getattr(event, field), unknown) == (code, {})


def test_unknown_codes_are_kept_in_lower_case_and_counted() -> None:
    unknown: dict[str, int] = {}
    for channel, mode in (("Kiosk", "PAN entry"), (" kiosk ", "chip"), ("card present", None)):
        event = decode_event(record(channel=json.dumps(channel), entry_mode=json.dumps(mode)), unknown)
        assert isinstance(event, Transaction)
        assert (event.channel, event.entry_mode) == (channel.strip().lower(), mode and mode.lower())
    assert unknown == {"channel=kiosk": 2, "entry_mode=pan entry": 1, "channel=card present": 1}
    assert transaction(channel='"Kiosk"').channel == "kiosk"  # not counted
    for empty in ('""', '" \\t"', "null"):
        assert transaction(channel=empty).channel is None
        assert transaction(entry_mode=empty).entry_mode is None


def test_counts_of_unknown_codes_are_bounded() -> None:
    unknown: dict[str, int] = {}
    for number in range(1_000):
        decode_event(record(channel=f'"c{number}' + "x" * 200 + '"', entry_mode=f'"m{number}"'), unknown)
    assert len(unknown) <= 102
    assert sum(unknown.values()) == 2_000
    assert (unknown["channel=(others)"], unknown["entry_mode=(others)"]) == (950, 950)
    assert max(map(len, unknown)) < 64


def test_attributes_are_stripped_texts_or_floats_without_absent_ones() -> None:
    event = transaction(
        attributes='{"gender":" F ","city_pop":120000,"score":7.5,"vip":true,"pep":false,"none":null,"empty":" ",'
        '"wide":"' + "é" * 32 + '","b2":1e300}'
    )
    assert event.attributes == {
        "gender": "F", "city_pop": 120_000.0, "score": 7.5, "vip": 1.0, "pep": 0.0, "wide": "é" * 32, "b2": 1e300,
    }  # fmt: skip
    assert {name: type(value) for name, value in event.attributes.items()} == {
        "gender": str, "city_pop": float, "score": float, "vip": float, "pep": float, "wide": str, "b2": float,
    }  # fmt: skip
    for nothing in ("null", "{}", '{"a":null}', '{"a":"","b":"  "}'):
        assert transaction(attributes=nothing).attributes is None
    full = {f"a{number}": number for number in range(16)}
    assert transaction(attributes=json.dumps(full)).attributes == full
    assert transaction(attributes='{"' + "a" * 32 + '":1}').attributes == {"a" * 32: 1.0}


def test_profile_attributes_follow_the_same_rules() -> None:
    read = msgspec.json.Decoder(UserProfile).decode
    profile = read(b'{"user_id":"U1","attributes":{"job":" nurse ","vip":true,"age":40,"none":null}}')
    assert profile.attributes == {"job": "nurse", "vip": 1.0, "age": 40.0}
    assert msgspec.json.decode(msgspec.json.encode(profile), type=UserProfile) == profile
    packed = msgspec.msgpack.encode(profile)
    assert msgspec.msgpack.decode(packed, type=UserProfile) == profile
    assert UserProfile(user_id="U1", attributes={"job": ""}).attributes is None
    for bad, words in (('{"Job":"x"}', "'Job' is no name"), ('{"job":"' + "x" * 65 + '"}', "attributes.job: 65 bytes")):
        with pytest.raises(msgspec.ValidationError, match=words):
            read(f'{{"user_id":"U1","attributes":{bad}}}'.encode())
    with pytest.raises(ValueError, match="at most 16"):
        UserProfile(user_id="U1", attributes={f"a{number}": 1.0 for number in range(17)})


def test_a_decoded_event_encodes_to_the_same_event() -> None:
    event = transaction(
        channel='"ATM"', kind='"REFUND"', attributes='{"a":"x","b":2}', distance_from_home_km="3", txns_last_1h="2"
    )
    assert decode_event(msgspec.json.encode(event)) == event
    assert b'"kind"' not in msgspec.json.encode(transaction(kind='"Purchase"'))


# -- properties ----------------------------------------------------------------------------------------------------------


def outcome(payload: bytes) -> Transaction | Login | AccountChange | Label | None:
    """The event, or None for a bad record; any other exception fails the test."""
    try:
        event = decode_event(payload)
    except BadRecord as error:
        reason = str(error)
    else:
        assert type(event.user_id) is str
        assert type(event.timestamp) is int
        return event
    assert 0 < len(reason) <= LONGEST_REASON
    return None


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
@example(b"\x00")
@example(b'{"type":')
@example(b'{"type":"\\u')
def test_any_bytes_give_an_event_or_a_bad_record(payload: bytes) -> None:
    outcome(payload)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_corrupted_record_gives_an_event_or_a_bad_record(data: st.DataObject) -> None:
    base = data.draw(st.sampled_from([REQUIRED, LOGIN, CHANGE, LABEL]))
    payload = bytearray(record(base, city='"Zürich"', merchant_id="12", x='{"a":[1,"\\u00e9"]}'))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(payload)))
        piece = data.draw(
            st.one_of(st.binary(max_size=3), st.sampled_from([b'"', b"\\", b"{", b"}", b",", b"\\ud83d"]))
        )
        payload[at : at + data.draw(st.integers(0, 3))] = piece
    outcome(bytes(payload))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=80) | st.integers(2**62, 2**80),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
field_names = st.sampled_from(
    ["type", *Transaction.__struct_fields__, *Label.__struct_fields__, *AccountChange.__struct_fields__, "success", "?"]
)


@settings(max_examples=500, deadline=None)
@given(
    st.dictionaries(field_names, json_values, max_size=6),
    st.sampled_from([None, "transaction", "login", "account_change", "label"]),
    st.booleans(),
)
def test_fields_of_any_type_give_an_event_or_a_bad_record(
    fields: dict[str, Any], tag: str | None, escaped: bool
) -> None:
    complete: dict[str, Any] = {
        "transaction_id": "T1", "user_id": "U1", "event_id": "E1", "timestamp": START, "known_at": START, "amount": 1.5,
        "is_fraud": True,
    }  # fmt: skip
    if tag is not None:
        complete["type"] = tag
    text = json.dumps({**complete, **fields}, ensure_ascii=escaped)
    outcome(text.encode("utf-8", errors="surrogatepass"))


ids = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=64).filter(
    lambda text: not is_blank_text(text) and not has_lost_digits(text)
)
wire_ids = ids | st.integers(-(10**62), 10**64 - 1)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=64)
moments = st.datetimes(datetime(1973, 3, 4), datetime(9999, 12, 28)).map(lambda moment: moment.replace(tzinfo=UTC))
offsets = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@st.composite
def wire_time(draw: st.DrawFn) -> tuple[Any, int]:
    """A time as on the wire, and in epoch milliseconds."""
    moment = draw(moments)
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    exact_ms = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
    if draw(st.booleans()):
        return exact_ms, exact_ms
    return moment.astimezone(draw(offsets)).isoformat(), exact_ms


TAGS: dict[Any, str] = {
    Transaction: "transaction", Login: "login", AccountChange: "account_change", Label: "label",
}  # fmt: skip


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


TEXT_FIELDS = ("merchant_country", "ip_address", "city", "country", "email_domain", "old_status", "new_status", "reason",
               "audit_user", "resolution_code")  # fmt: skip
VALUES: dict[str, st.SearchStrategy[Any]] = {
    **{name: optional(wire_ids) for name in OPTIONAL_IDS},
    **{name: optional(texts) for name in TEXTS},
    "currency": optional(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=3, max_size=3)),
    "kind": st.sampled_from(["purchase", "refund", "reversal"]),
    "auth_result": st.sampled_from([None, "approved", "declined"]),
    "latitude": optional(st.floats(-90, 90)),
    "longitude": optional(st.floats(-180, 180)),
    "otp_used": optional(st.booleans()),
    **dict.fromkeys(("distance_from_home_km", "account_tenure_months", "txns_last_1h"), optional(st.floats(0, 1e9))),
    "attributes": optional(
        st.dictionaries(
            st.from_regex(r"[a-z][a-z0-9_]{0,31}", fullmatch=True),
            st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text("aé €", max_size=16),
            max_size=16,
        )
    ),
    "transaction_id": wire_ids,
    "user_id": wire_ids,
    "event_id": wire_ids,
    "amount": st.floats(0, 1e12) | st.integers(0, 10**12),
    "success": optional(st.booleans()),
    "is_fraud": st.booleans(),
    **dict.fromkeys(("old_status", "new_status", "reason", "audit_user", "resolution_code"), optional(texts)),
}


@settings(max_examples=400, deadline=None)
@given(st.data(), st.sampled_from(list(TAGS)), st.booleans(), st.booleans())
def test_any_valid_event_is_decoded_exactly(data: st.DataObject, kind: Any, escaped: bool, leave_out: bool) -> None:
    wire: dict[str, Any] = {"type": TAGS[kind]}
    expected: dict[str, Any] = {}
    for name in kind.__struct_fields__:
        if name == "timestamp":
            wire[name], expected[name] = data.draw(wire_time())
        elif name == "known_at":
            wire[name] = expected[name] = expected["timestamp"] + data.draw(st.integers(0, 10**9))
        else:
            wire[name] = value = data.draw(VALUES[name], label=name)
            is_id = name.endswith("_id") or name == "merchant_category"
            expected[name] = str(value) if is_id and value is not None else value
            if value is not None and name in ("channel", "entry_mode"):
                expected[name] = None if is_blank_text(value) else value.strip().lower()
            elif name == "currency" and value is not None and is_blank_text(value):
                expected[name] = None
            elif value is not None and name in TEXT_FIELDS:
                plain = None if is_blank_text(value, "country" in name) else value.strip()
                if plain is not None and "country" in name:
                    plain = country_code(plain) or plain.upper()
                elif plain is not None and name == "email_domain":
                    plain = plain.rpartition("@")[2].strip().lower()
                    plain = None if is_blank_text(plain) else plain
                expected[name] = plain
            elif value is not None and name == "attributes":
                stripped = {key: one.strip() if isinstance(one, str) else one for key, one in value.items()}
                expected[name] = {key: one for key, one in stripped.items() if one not in (None, "")} or None
            if leave_out and value is None:
                del wire[name]
    event = decode_event(json.dumps(wire, ensure_ascii=escaped).encode())
    assert type(event) is kind
    assert {name: getattr(event, name) for name in kind.__struct_fields__} == expected
