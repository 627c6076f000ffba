"""Custom columns as attributes: text or number, by each value."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingest.errors import MappingError, RowError
from ingest.mapping import parse_mapping
from ingest.rows import event_from_row, records_from_row
from models.detect_attributes import detect_attributes
from models.entity_history import profiles_of
from tests.ingest.conversions import converted
from udfs.records.attributes import Attribute, attribute_text
from udfs.records.codec import decode_event
from udfs.records.events import Transaction
from udfs.records.profiles import UserProfile

BASE = {"id": 1, "user": 2, "time": 1_706_745_600_000, "amount": 5}
FIELDS = "{transaction_id: id, user_id: user, timestamp: {column: time, format: epoch_ms}, amount: amount}"


def mapping_of(attributes: str, more: str = "") -> Any:
    return parse_mapping(f"kind: transaction\nfields: {FIELDS}\nattributes: {attributes}\n{more}")


def value_of(spec: str, value: object, more: str = "") -> object:
    event = event_from_row({**BASE, "x": value}, mapping_of(f"{{a: {spec}}}", more))
    assert isinstance(event, Transaction)
    return (event.attributes or {}).get("a")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("gold", "gold"), (" gold ", "gold"), ("12", 12.0), ("-12.50", -12.5), (".5", 0.5), ("0", 0.0), ("0.5", 0.5),
        ("01234", "01234"), ("-01", "-01"), ("+49", "+49"), ("1e5", "1e5"), ("1E5", "1E5"), ("12-34", "12-34"),
        ("1,5", "1,5"), ("123456789012345", 123_456_789_012_345.0), ("1234567890123456", "1234567890123456"),
        (12, 12.0), (12.5, 12.5), (10**15, "1000000000000000"), (Decimal("2.50"), 2.5), (True, 1.0), (False, 0.0),
        ("true", "true"), (1e300, 1e300), (None, None), ("", None), ("  ", None), ("null", None), (float("nan"), None),
    ],
)  # fmt: skip
def test_untyped_attribute_is_number_or_text_by_value(value: object, expected: object) -> None:
    found = value_of("x", value)
    assert (found, type(found)) == (expected, type(expected))


def test_options_set_an_attributes_type_and_number_style() -> None:
    text, number = "{column: x, type: text}", "{column: x, type: number}"
    assert [value_of(text, value) for value in (12, "12", 12.0, True)] == ["12", "12", "12", "true"]
    assert [value_of(number, value) for value in (12, "0012", "1e5", True)] == [12.0, 12.0, 1e5, 1.0]
    assert value_of("{column: x, type: text, prefix: C}", 7) == "C7"
    assert value_of('{column: x, type: number, scale: 0.01, remove: ["$"]}', "$1250") == 12.5
    assert value_of("x", "1.234,5", "decimal: ','\nthousands: '.'") == 1_234.5
    assert value_of("{column: x, lookup: {M: male, 1: 1, n: null}, default: other}", "M") == "male"
    assert value_of("{column: x, lookup: {M: male, 1: 1, n: null}}", "1") == 1.0
    assert value_of("{column: x, lookup: {M: male, 1: 1, n: null}}", "n") is None
    assert value_of("{column: x, lookup: {M: male}, default: other}", "Q") == "other"
    assert value_of("{value: branch 7}", None) == "branch 7"
    assert value_of('{columns: [x, id], join: "-"}', "a") == "a-1"
    assert value_of("$.x.deep", {"deep": "y"}) == "y"
    nested = 'nested: [{column: x, into: inner, path: "$.job", type: text}]'
    assert value_of("inner", '{"job": "nurse"}', nested) == "nurse"


@pytest.mark.parametrize(
    ("spec", "value", "words"),
    [
        ("x", "a" * 65, "a text of at most 64 bytes"), ("x", "é" * 33, "a text of at most 64 bytes"),
        ("x", [1], "a text or a number"), ("x", {"a": 1}, "a text or a number"), ("x", float("inf"), "a number"),
        ("{column: x, type: number}", "gold", "a number"), ("x", "\ud800", "valid UTF-8"),
        ("{column: x, lookup: {a: b}}", "c", "one of the codes of `lookup`"),
    ],
)  # fmt: skip
def test_an_unreadable_attribute_value_is_dropped_or_a_row_error_of_its_column(
    spec: str, value: object, words: str
) -> None:
    assert value_of(spec, value) is None
    with pytest.raises(RowError) as caught:
        value_of(spec, value, "unreadable: reject")
    assert (caught.value.column, caught.value.row_number) == ("x", 0)
    assert words in caught.value.expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: login\nfields: {user_id: u, timestamp: t}\nattributes: {a: x}",
         "attributes: allowed for kinds transaction, user_profile, features only, not login"),
        (f"kind: transaction\nfields: {FIELDS}\nattributes: {{Job: x}}",
         "attributes: 'Job' is not a valid name; allowed: a-z, then up to 31 of a-z, 0-9, _"),
        (f"kind: transaction\nfields: {FIELDS}\nattributes: {{a: {{column: x, scale: 2}}}}",
         "attributes.a.scale: is for attributes of `type: number` only"),
        (f"kind: transaction\nfields: {FIELDS}\nattributes: {{a: {{column: x, type: number, prefix: C}}}}",
         "attributes.a.prefix: is for attributes of `type: text` only"),
        (f"kind: transaction\nfields: {FIELDS}\nattributes: {{a: {{column: x, type: date}}}}",
         "attributes.a.type: 'date' is not allowed; allowed: 'text' or 'number'"),
        (f"kind: transaction\nfields: {FIELDS}\nattributes: {{a: {{column: x, format: iso}}}}",
         "attributes.a.format: is not allowed for a field of type attribute"),
        (f"kind: transaction\nfields: {FIELDS[:-1]}, city: {{column: c, type: text}}}}",
         "fields.city.type: is not allowed for a field of type text"),
        (f"kind: transaction\nfields: {FIELDS}\nattributes: {{{', '.join(f'a{n}: x' for n in range(17))}}}",
         "attributes: 17 given, at most 16 are allowed"),
        (f"kind: transaction\nfields: {FIELDS[:-1]}, attributes: x}}", "fields: unknown field 'attributes' of transaction"),
    ],
)  # fmt: skip
def test_invalid_attributes_section_names_key_and_allowed_values(text: str, message: str) -> None:
    with pytest.raises(MappingError, match=re.escape(message)):
        parse_mapping(text)


def test_attributes_reach_events_profiles_and_attribute_statistics(tmp_path: Path) -> None:
    """branch: numbers and one text; job: text; age and city_pop: numbers; vip: flags"""
    content = "id,user,time,amount,branch,pop,Channel,km\n" + "\n".join(
        [
            "1,U1,1706745600000,5,12,3000,ATM,1.5",
            "2,U1,1706745600001,6,012,,Keyed in a kiosk,",
            "3,U2,1706745600002,7,,5e3,,0",
            "4,U2,1706745600003,7,7,10,pos,-1",
        ]
    )
    text = (
        f"kind: transaction\nfields: {FIELDS[:-1]}, channel: Channel, distance_from_home_km: km}}\n"
        "attributes: {branch: branch, city_pop: {column: pop, type: number}}\n"
    )
    result = converted(tmp_path, content, text)
    assert result.errors == []
    assert [(one["row"], one["field"], one["expected"]) for one in result.lines("dropped.jsonl")] == [
        (4, "distance_from_home_km", "a number from 0 up")
    ]
    lines = (result.folder / "events.jsonl").read_bytes().splitlines()
    events = [decode_event(line) for line in lines]
    assert [json.loads(line).get("attributes") for line in lines] == [
        {"branch": 12.0, "city_pop": 3000.0}, {"branch": "012"}, {"city_pop": 5000.0},
        {"branch": 7.0, "city_pop": 10.0},
    ]  # fmt: skip
    assert [(event.channel, event.distance_from_home_km) for event in events] == [  # type: ignore[union-attr]
        ("atm", 1.5), ("keyed in a kiosk", None), (None, 0.0), ("pos", None),
    ]  # fmt: skip
    users = tmp_path / "users"
    users.mkdir()
    profiles = converted(
        users,
        "who,job,born,vip\nU1,Nurse,40,true\nU2,,50,\n",
        "kind: user_profile\nfields: {user_id: who}\nattributes: {job: job, age: born, vip: {column: vip, lookup: "
        '{"true": true}}}',
    )
    branch, city_pop, age, job, vip = detect_attributes(result.folder / "events.jsonl", profiles.folder / "users.jsonl")
    assert [branch, city_pop, age, job, vip] == [
        Attribute("branch", "text", "event"), Attribute("city_pop", "number", "event"),
        Attribute("age", "number", "profile"), Attribute("job", "text", "profile"), Attribute("vip", "number", "profile"),
    ]  # fmt: skip
    known = profiles_of(profiles.folder)
    assert known["U1"] == UserProfile(user_id="U1", attributes={"job": "Nurse", "age": 40.0, "vip": 1.0})
    first, second, third, _ = events
    assert isinstance(first, Transaction)
    assert isinstance(second, Transaction)
    assert isinstance(third, Transaction)
    assert [attribute_text(branch, event, None) for event in (first, second, third)] == ["12", "012", None]
    assert [(event.attributes or {}).get("city_pop") for event in (first, third)] == [3_000.0, 5_000.0]
    assert (attribute_text(job, first, known["U1"]), attribute_text(job, first, None)) == ("Nurse", None)
    assert attribute_text(job, third, known["U2"]) is None


def test_statistics_skip_bad_records_and_keep_the_16_most_frequent_names(
    tmp_path: Path,
) -> None:
    lines = []
    for number in range(40):
        names = {f"n{number % 20:02d}": number, "always": "x"}
        event = {"transaction_id": number, "user_id": 1, "timestamp": 5, "amount": 1, "attributes": names}
        lines.append(json.dumps(event))
    lines += ['{"attributes": {"n19": 1}}', "{", json.dumps({"type": "label", "attributes": {"n19": 1}})]
    path = tmp_path / "events.jsonl"
    path.write_text("\n".join(lines))
    found = detect_attributes(path)
    assert len(found) == 16
    assert found[0] == Attribute("always", "text", "event")
    assert [one.name for one in found[1:]] == [f"n{number:02d}" for number in range(15)]
    path.write_text("")
    assert detect_attributes(path) == ()


def test_attributes_are_kept_with_extra_columns_and_a_label() -> None:
    mapping = mapping_of(
        "{job: job, pop: pop}",
        "label: {is_fraud: fraud, delay_days: 1, pattern: how}\nnested: [{column: x, into: extra.y, type: text}]",
    )
    result = records_from_row({**BASE, "job": "nurse", "pop": "7", "fraud": 1, "how": "burst", "x": '"z"'}, mapping)
    assert isinstance(result.record, Transaction)
    assert result.record.attributes == {"job": "nurse", "pop": 7.0}
    assert result.label is not None
    assert result.truth is not None
    assert (result.label.is_fraud, result.truth.pattern, result.extras) == (True, "burst", {"y": "z"})
