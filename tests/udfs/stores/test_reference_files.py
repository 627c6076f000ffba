"""Loading a reference folder: the records of each file, and the errors of invalid lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from udfs.control.block_list import BlockList
from udfs.core._native import EntityHistory
from udfs.entities.buckets import BucketSettings
from udfs.records.profiles import BlockEntry, DeviceProfile, DomainFeed, IpFeed, MerchantProfile, UserProfile
from udfs.stores.memory import FILES, Reference, load_reference
from udfs.stores.port import StoreError

START = 1_767_225_600_000
SETTINGS = BucketSettings()
HISTORY = (
    '{"entity":"merchant","id":"M1","complete_through_ms":1767225600000,"first_hour":490896,"hours":[490896,490900],'
    '"transactions":[2,1],"frauds":[0,1],"users_1d":[1,1],"users_7d":[1,0]}'
)
GOOD = {
    "users.jsonl": '{"user_id":"U1","home_country":"DE","kyc_level":0,"timezone":"Europe/Berlin"}',
    "merchants.jsonl": '{"merchant_id":"M1","category":"6011"}',
    "devices.jsonl": '{"device_id":"D1","blacklisted":true}',
    "ip_feed.jsonl": '{"ip_address":"10.0.0.1","ip_risk_score":90,"vpn":true}',
    "domain_feed.jsonl": '{"email_domain":"example.org","registered_at":5}',
    "block_list.jsonl": '{"type":"device","value":"D1","reason_code":"SANCTION","expires_at":100}',
    "entity_history.jsonl": HISTORY,
}


def load(folder: Path, **texts: str | bytes) -> Reference:
    """Write and load files; `texts` are by file name without the suffix."""
    for name, text in texts.items():
        (folder / f"{name}.jsonl").write_bytes(text.encode() if isinstance(text, str) else text)
    return load_reference(folder, SETTINGS)


def refused(folder: Path, **texts: str | bytes) -> str:
    with pytest.raises(StoreError) as caught:
        load(folder, **texts)
    return str(caught.value)


def all_good(but: dict[str, str | bytes] | None = None) -> dict[str, str | bytes]:
    return {name.removesuffix(".jsonl"): text for name, text in {**GOOD, **(but or {})}.items()}


def test_records_of_all_files_have_their_store_keys(tmp_path: Path) -> None:
    reference = load(tmp_path, **all_good())
    records = reference.store.records
    history = records.pop("history:merchant:M1")
    assert records == {
        "user:U1": UserProfile(user_id="U1", home_country="DE", kyc_level=0, timezone="Europe/Berlin"),
        "merchant:M1": MerchantProfile(merchant_id="M1", category="6011"),
        "device:D1": DeviceProfile(device_id="D1", blacklisted=True),
        "ip:10.0.0.1": IpFeed(ip_address="10.0.0.1", ip_risk_score=90.0, vpn=True),
        "domain:example.org": DomainFeed(email_domain="example.org", registered_at=5),
    }
    feed = records["ip:10.0.0.1"]
    assert isinstance(feed, IpFeed)
    assert type(feed.ip_risk_score) is float
    assert isinstance(history, EntityHistory)
    assert history.as_of(START + 3_600_000 * 30).transactions_7d == 3
    assert list(reference.block_list.entries()) == [
        BlockEntry(type="device", value="D1", reason_code="SANCTION", expires_at=100)
    ]


def test_attributes_of_users_are_normalised_or_refused(tmp_path: Path) -> None:
    row = '{"user_id":"U1","attributes":%s}'
    reference = load(tmp_path, users=row % '{"job":" nurse ","age":40,"vip":true,"none":null}')
    assert reference.store.records == {
        "user:U1": UserProfile(user_id="U1", attributes={"job": "nurse", "age": 40.0, "vip": 1.0})
    }
    for bad, words in (
        ('{"Job":"x"}', "users.jsonl, line 1: attributes: 'Job' is no name"),
        ('{"job":"' + "x" * 65 + '"}', "line 1: attributes.job: 65 bytes of UTF-8, at most 64 are allowed"),
        ('{"job":[1]}', "line 1: Expected `bool | float | str | null`, got `array`"),
    ):
        assert words in refused(tmp_path, users=row % bad), bad


@pytest.mark.parametrize("name", GOOD)
def test_each_file_is_optional(name: str, tmp_path: Path) -> None:
    reference = load(tmp_path, **{name.removesuffix(".jsonl"): GOOD[name]})
    assert len(reference.store.records) == (name != "block_list.jsonl")
    assert reference.store.holds_histories is (name == "entity_history.jsonl")


def test_the_tests_cover_all_files_of_the_folder() -> None:
    assert set(FILES) == set(GOOD)


def test_an_empty_history_file_is_a_complete_history(tmp_path: Path) -> None:
    assert load(tmp_path, entity_history="").store.holds_histories


def test_a_given_history_file_replaces_that_of_the_folder(tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text(HISTORY.replace('"M1"', '"M2"'))
    (tmp_path / "users.jsonl").write_text(GOOD["users.jsonl"])
    (tmp_path / "entity_history.jsonl").write_text(HISTORY)
    for folder, keys in ((tmp_path, {"user:U1", "history:merchant:M2"}), (None, {"history:merchant:M2"})):
        store = load_reference(folder, SETTINGS, other).store
        assert set(store.records) == keys
        assert store.holds_histories
    with pytest.raises(StoreError, match=r"none\.jsonl: no such file of entities' history"):
        load_reference(tmp_path, SETTINGS, tmp_path / "none.jsonl")
    other.write_text(HISTORY + "\n{}")
    with pytest.raises(StoreError, match=r"other\.jsonl, line 2: "):
        load_reference(None, SETTINGS, other)


def test_no_folder_is_an_empty_store() -> None:
    reference = load_reference(None, SETTINGS)
    assert reference.store.records == {}
    assert not reference.store.holds_histories
    assert isinstance(reference.block_list, BlockList)


def test_a_missing_folder_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "users.jsonl"
    file.write_text("")
    for path in (tmp_path / "none", file):
        with pytest.raises(StoreError, match=f"{path}: no such folder of reference files"):
            load_reference(path, SETTINGS)


def test_a_folder_without_known_files_is_refused_with_their_names(tmp_path: Path) -> None:
    message = refused(tmp_path, user='{"user_id":"U1"}')
    assert all(name in message for name in FILES)


def test_blank_lines_and_unknown_fields_are_ignored(tmp_path: Path) -> None:
    text = '\n  \n{"user_id":"U1","shoe_size":44}\r\n\n{"user_id":"U2"}'
    assert set(load(tmp_path, users=text).store.records) == {"user:U1", "user:U2"}


BAD_LINES: dict[str, str | bytes] = {
    "not JSON": "user_id=U1",
    "truncated": '{"a":',
    "an array": "[1]",
    "null": "null",
    "required field missing": "{}",
    "not UTF-8": b'{"user_id":"\xff","merchant_id":"\xff","device_id":"\xff","ip_address":"\xff","email_domain":"\xff",'
    b'"type":"user","value":"\xff","entity":"\xff"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a bare surrogate": r'{"x":"\ud800"}',
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("bad", BAD_LINES)
def test_a_bad_line_is_refused_with_file_and_line(name: str, bad: str, tmp_path: Path) -> None:
    line = BAD_LINES[bad]
    text = GOOD[name].encode() + b"\n\n" + (line.encode() if isinstance(line, str) else line) + b"\n"
    assert refused(tmp_path, **all_good({name: text})).startswith(f"{tmp_path / name}, line 3: ")


def test_a_line_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    assert "users.jsonl, line 1: " in refused(tmp_path, users='{"x":' + "[" * 200_000)


@pytest.mark.parametrize(
    ("name", "line", "words"),
    [
        ("users", '{"user_id":5}', "`str`, got `int` - at `$.user_id`"),
        ("users", '{"user_id":"U","kyc_level":"2"}', "$.kyc_level"),
        ("users", '{"user_id":"U","is_vip":1}', "$.is_vip"),
        ("users", '{"user_id":"U","account_opened_at":"2020-01-01"}', "$.account_opened_at"),
        ("users", '{"user_id":"U","risk_score_history":"[1, 2]"}', "$.risk_score_history"),
        ("merchants", '{"merchant_id":"M","category":6011}', "$.category"),
        ("devices", '{"device_id":"D","blacklisted":"yes"}', "$.blacklisted"),
        ("ip_feed", '{"ip_address":"1","ip_risk_score":1e400}', "$.ip_risk_score"),
        ("domain_feed", '{"email_domain":null}', "$.email_domain"),
        ("block_list", '{"type":"phone","value":"1"}', "'phone'"),
        ("block_list", '{"type":"user","value":"U","expires_at":1.5}', "$.expires_at"),
        ("entity_history", '{"entity":"merchant","id":"M","hours":[1]}', "complete_through_ms"),
        ("entity_history", HISTORY.replace("[2,1]", "[2,1.5]"), "$.transactions[1]"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(name: str, line: str, words: str, tmp_path: Path) -> None:
    message = refused(tmp_path, **{name: line})
    assert f"{name}.jsonl, line 1: " in message
    assert words in message


@pytest.mark.parametrize(
    "line",
    [
        HISTORY.replace("[2,1]", "[2]"),
        HISTORY.replace("[0,1]", "[0,1,0]"),
        HISTORY.replace("[490896,490900]", "[490900,490896]"),
        HISTORY.replace("[490896,490900]", "[490896,490896]"),
        HISTORY.replace("[2,1]", "[2,-1]"),
        HISTORY.replace("[0,1]", "[0,-1]"),
        HISTORY.replace("[1,0]", "[1,-2]"),
    ],
    ids=[
        "a list too short",
        "a list too long",
        "hours not ascending",
        "a duplicate hour",
        "transactions below zero",
        "frauds below zero",
        "users below zero",
    ],
)
def test_inconsistent_buckets_are_refused_on_load(line: str, tmp_path: Path) -> None:
    """Unchecked they would raise IndexError on each of the merchant's payments, or give wrong rates."""
    assert refused(tmp_path, entity_history=GOOD["entity_history.jsonl"] + "\n" + line).startswith(
        f"{tmp_path / 'entity_history.jsonl'}, line 2: "
    )


@pytest.mark.parametrize(
    ("name", "line", "field"),
    [
        ("users", '{"user_id":"U","home_latitude":520.1,"home_longitude":13}', "home_latitude"),
        ("users", '{"user_id":"U","home_latitude":52,"home_longitude":-1300}', "home_longitude"),
        ("ip_feed", '{"ip_address":"1","ip_risk_score":101}', "ip_risk_score"),
        ("ip_feed", '{"ip_address":"1","ip_risk_score":-1}', "ip_risk_score"),
        ("users", '{"user_id":"U","timezone":"Europe/Berln"}', "users.jsonl, line 1: "),
    ],
)
def test_values_out_of_range_are_refused_as_in_events(name: str, line: str, field: str, tmp_path: Path) -> None:
    """A transaction with latitude 520 is a dead letter; a home at 520 would give wrong distances."""
    assert field in refused(tmp_path, **{name: line})


def test_a_byte_order_mark_is_not_part_of_the_first_record(tmp_path: Path) -> None:
    text = b'\xef\xbb\xbf{"user_id":"U1","kyc_level":2}\n{"user_id":"U2"}\n'
    assert load(tmp_path, users=text).store.records == {
        "user:U1": UserProfile(user_id="U1", kyc_level=2),
        "user:U2": UserProfile(user_id="U2"),
    }


def test_nan_is_no_value(tmp_path: Path) -> None:
    text = '{"user_id":"NaN-1","credit_limit":NaN,"home_country":"usa","avg_monthly_spend":-Infinity}'
    assert load(tmp_path, users=text).store.records == {"user:NaN-1": UserProfile(user_id="NaN-1", home_country="US")}


def test_a_profile_s_country_has_one_code_however_it_is_written(tmp_path: Path) -> None:
    texts = ("us", "USA", "United States", "840", " US ")
    rows = "".join(f'{{"user_id":"U{number}","home_country":"{text}"}}\n' for number, text in enumerate(texts))
    merchants = '{"merchant_id":"M1","country":"deutschland"}\n{"merchant_id":"M2","country":"N/A"}\n'
    records = load(tmp_path, users=rows, merchants=merchants).store.records
    users = [records[f"user:U{number}"] for number in range(len(texts))]
    assert [user.home_country for user in users if isinstance(user, UserProfile)] == ["US"] * len(texts)
    assert records["merchant:M2"] == MerchantProfile(merchant_id="M2")


def test_keys_are_written_as_events_have_them(tmp_path: Path) -> None:
    reference = load(
        tmp_path,
        users='{"user_id":" U1 "}',
        merchants='{"merchant_id":"M1\\t"}',
        devices='{"device_id":"D1 ","blacklisted":true}',
        ip_feed='{"ip_address":" 10.0.0.1 ","vpn":true}',
        domain_feed='{"email_domain":" GMail.com "}\n{"email_domain":"bob@Example.ORG"}',
        block_list='{"type":"user","value":" U1 "}\n{"type":"ip","value":" 10.0.0.1"}',
    )
    assert reference.store.records == {
        "user:U1": UserProfile(user_id="U1"),
        "merchant:M1": MerchantProfile(merchant_id="M1"),
        "device:D1": DeviceProfile(device_id="D1", blacklisted=True),
        "ip:10.0.0.1": IpFeed(ip_address="10.0.0.1", vpn=True),
        "domain:gmail.com": DomainFeed(email_domain="gmail.com"),
        "domain:example.org": DomainFeed(email_domain="example.org"),
    }
    assert list(reference.block_list.entries()) == [
        BlockEntry(type="user", value="U1"), BlockEntry(type="ip", value="10.0.0.1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "line", "words"),
    [
        ("devices", '{"device_id":"N/A"}', "device_id: 'N/A' stands for a missing value"),
        ("users", '{"user_id":" "}', "user_id: '' is not an id of 1 to 64 printable ASCII characters"),
        ("users", '{"user_id":"a b"}', "user_id: 'a b' is not an id"),
        ("merchants", '{"merchant_id":"null"}', "merchant_id: 'null' stands for a missing value"),
        ("ip_feed", '{"ip_address":"-"}', "ip_address: '-' stands for a missing value"),
        ("domain_feed", '{"email_domain":"bob@"}', "email_domain: 'bob@' stands for a missing value"),
        ("block_list", '{"type":"card","value":"unknown"}', "value: 'unknown' stands for a missing value"),
        ("block_list", '{"type":"ip","value":" "}', "value: ' ' stands for a missing value"),
    ],
)
def test_a_key_that_no_event_has_is_refused(name: str, line: str, words: str, tmp_path: Path) -> None:
    assert f"{name}.jsonl, line 1: {words}" in refused(tmp_path, **{name: line})


SECONDS = "1767225600 looks like epoch seconds; write milliseconds, as 1767225600000"


@pytest.mark.parametrize(
    ("name", "line", "words"),
    [
        ("block_list", '{"type":"user","value":"U1","expires_at":1767225600}', f"expires_at: {SECONDS}"),
        ("block_list", '{"type":"user","value":"U1","expires_at":1767600000}', "looks like epoch seconds"),
        ("users", '{"user_id":"U1","account_opened_at":1767225600}', f"account_opened_at: {SECONDS}"),
        ("users", '{"user_id":"U1","last_unblocked_at":1767225600}', f"last_unblocked_at: {SECONDS}"),
        ("users", '{"user_id":"U1","date_of_birth":326332800}', "date_of_birth: 326332800 looks like epoch seconds"),
        (
            "users",
            '{"user_id":"U1","account_opened_at":1452685942}',
            "account_opened_at: 1452685942 looks like epoch seconds",
        ),
        ("merchants", '{"merchant_id":"M1","first_seen_at":1767225600}', f"first_seen_at: {SECONDS}"),
        ("devices", '{"device_id":"D1","registered_at":1767225600}', f"registered_at: {SECONDS}"),
        ("devices", '{"device_id":"D1","last_used_at":1767225600}', f"last_used_at: {SECONDS}"),
        ("domain_feed", '{"email_domain":"a.org","registered_at":1767225600}', f"registered_at: {SECONDS}"),
        ("users", '{"user_id":"U1","account_opened_at":1767225600000000}', "is after the year 9999; write epoch milli"),
    ],
)
def test_dates_in_another_unit_than_milliseconds_are_refused(name: str, line: str, words: str, tmp_path: Path) -> None:
    message = refused(tmp_path, **{name: line})
    assert f"{name}.jsonl, line 1: " in message
    assert words in message


@pytest.mark.parametrize("date_ms", [4 * 86_400_000, 5 * 86_400_000 - 3_600_000, -86_400_000, 0, 1_767_225_600_000])
def test_days_of_any_year_are_dates_of_a_profile(date_ms: int, tmp_path: Path) -> None:
    """Also those of January 1970, in any time zone."""
    text = f'{{"user_id":"U1","date_of_birth":{date_ms},"account_opened_at":{date_ms}}}'
    expected = UserProfile(user_id="U1", date_of_birth=date_ms, account_opened_at=date_ms)
    assert load(tmp_path, users=text).store.records == {"user:U1": expected}
