"""Errors of invalid mapping files: the key and the allowed values."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ingest.errors import MappingError
from ingest.mapping import load_mapping, parse_mapping

FIELDS = "{transaction_id: id, user_id: user, timestamp: time, amount: amount%s}"
GOOD = "kind: transaction\nfields: " + FIELDS % ""
SPEC_KEYS = (
    "column, columns, join, debit, credit, value, row_number, may_be_missing, default, lookup, prefix, encode, type, "
    "format, start, year, timezone, scale, minor_units, remove, negative, true_values, false_values"
)


def field(text: str) -> str:
    """A valid mapping with one more field."""
    return "kind: transaction\nfields: " + FIELDS % f", {text}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file must be a YAML mapping with the keys kind, fields …"),
        ("- a", "the file must be a YAML mapping with the keys kind, fields …"),
        ("a: [", "line 1: invalid YAML: expected the node content, but found '<stream end>'"),
        (GOOD + "\nkind: login", "line 3: invalid YAML: duplicate key 'kind'"),
        ("fields: {}", "the key 'kind' is required; allowed: transaction, login, account_change, label, user_profile, "
         "merchant, device, ip_feed, domain_feed, block_list, features, alert_case, model_log"),
        ("kind: payment", "kind: 'payment' is not allowed; allowed: 'transaction', 'login', 'account_change', 'label', "
         "'user_profile', 'merchant', 'device', 'ip_feed', 'domain_feed', 'block_list', 'features', 'alert_case' or "
         "'model_log'"),
        (GOOD + "\nfeilds: {}", "unknown key 'feilds' (did you mean 'fields'?); allowed: kind, fields, attributes, "
         "label, delay_days, nested, key_path, timezone, decimal, thousands, blank_values, unreadable, csv"),
        (GOOD + "\ncsv: {delimeter: ';'}", "csv: unknown key 'delimeter' (did you mean 'delimiter'?); allowed: delimiter, "
         "quote, escape, encoding"),
        (GOOD + "\ncsv: {delimiter: ';;'}", "csv.delimiter: ';;': string should have at most 1 character"),
        (GOOD + "\ndecimal: ;", "decimal: ';' is not allowed; allowed: '.' or ','"),
        (GOOD + "\ntimezone: Europe/Berlim", "fields.timestamp.timezone: 'Europe/Berlim' is not allowed (did you mean "
         "'Europe/Berlin'?); allowed: IANA names, as Europe/Berlin"),
        (GOOD + "\nkey_path: user", "key_path: 'user' is not allowed; allowed: a path of plain names, as $.user_id or "
         "$.card.owner"),
        (GOOD + "\nkey_path: \"$.a' OR '1\"", "key_path: \"$.a' OR '1\" is not allowed; allowed: a path of plain names, "
         "as $.user_id or $.card.owner"),
        ("kind: transaction\nfields: {transaction_id: id}", "fields: transaction requires amount, timestamp, user_id"),
        (field("mechant_id: m"), "fields: unknown field 'mechant_id' of transaction (did you mean 'merchant_id'?); "
         "allowed: transaction_id, user_id, timestamp, amount, currency, kind, auth_result, merchant_id, "
         "merchant_category, merchant_country, channel, entry_mode, device_id, session_id, card_id, ip_address, latitude, "
         "longitude, city, country, otp_used, beneficiary_id, email_domain, distance_from_home_km, account_tenure_months, "
         "txns_last_1h"),
        (field("city: {colum: c}"), "fields.city: unknown key 'colum' (did you mean 'column'?); allowed: " + SPEC_KEYS),
        (field("city: {value: [1]}"), "fields.city.value: [1] must be a text, a number or a flag"),
        (field("city: {column: a, lookup: {b: [1]}}"), "fields.city.lookup.b: [1] must be a text, a number or a flag"),
        (field("city: {column: a, prefix: 5}"), "fields.city.prefix: 5 must be a text (put it in quotes)"),
        (field("city: {columns: a}"), "fields.city.columns: 'a' must be a list"),
        (field("city: {column: a, may_be_missing: 1}"), "fields.city.may_be_missing: 1 must be true or false"),
        (field("city: true"), "fields.city: True is not a section of keys"),
        (field("city:"), "fields.city: None is not a section of keys"),
        (field("city: {prefix: a}"),
         "fields.city.column: exactly one of column, columns, debit, value, row_number is required"),
        (field("city: {column: a, value: b}"),
         "fields.city.column: exactly one of column, columns, debit, value, row_number is "
         "required"),
        (field("city: {column: a, scale: 2}"), "fields.city.scale: is not allowed for a field of type text; allowed: "
         "column, columns, credit, debit, default, join, lookup, may_be_missing, prefix, row_number, value"),
        (field("city: {value: a, prefix: b}"), "fields.city.prefix: is not allowed with `value`, whose values are "
         "not converted"),
        (field("city: {column: a, lookup: {b: c}, prefix: b}"), "fields.city.prefix: is not allowed with `lookup`, "
         "whose values are not converted"),
        (field("city: {value: a, lookup: {b: c}}"), "fields.city.lookup: is not allowed with `value`"),
        (field("kind: {value: gift}"), "fields.kind.value: 'gift' is not one of purchase, refund, reversal (other codes: "
         "map them with `lookup`)"),
        (field("kind: {column: k, lookup: {R: refnd}}"), "fields.kind.lookup.R: 'refnd' is not one of purchase, refund, "
         "reversal (other codes: map them with `lookup`)"),
        (field("latitude: {column: l, default: 91}"), "fields.latitude.default: 91 is not a number from -90 to 90"),
        (field("latitude: {column: l, scale: 0}"), "fields.latitude.scale: 0 is not allowed; allowed: the factor to "
         "major units, as 0.01 for cents"),
        (field("city: {column: $.a..b}"), "fields.city.column: '$.a..b' is not a path as $.a.b, $.a[0] or $.a[*].b, or a "
         "list of steps"),
        (GOOD + "\ndelay_days: 1",
         "delay_days: allowed for kind label only (of a transaction's own label: label.delay_days)"),
        (GOOD.replace("time,", "{column: t, format: hours},"), "fields.timestamp.start: the format hours counts from a "
         "moment; set it, as `start: 2024-01-01`"),
        (GOOD.replace("time,", "{column: t, format: hours, start: soon},"), "fields.timestamp.start: 'soon' is not an "
         "ISO 8601 time between the years 1 and 9999"),
        (GOOD.replace("time,", "{column: t, start: 2024-01-01},"), "fields.timestamp.start: is for the formats seconds, "
         "minutes, hours, days, weeks only"),
        (GOOD.replace("time,", "{column: t, format: '%m-%d %H:%M'},"), "fields.timestamp.format: '%m-%d %H:%M' has no year: "
         "set it, as `year: 2024`"),
        (GOOD.replace("time,", "{column: t, format: '%H:%M', year: 2024},"), "fields.timestamp.format: '%H:%M' has no month "
         "and day"),
        (GOOD.replace("time,", "{column: t, format: '%Y-%m-%d', year: 2024},"), "fields.timestamp.year: the format "
         "'%Y-%m-%d' has a year of its own"),
        (GOOD.replace("amount}", "{column: a, minor_units: true}}"), "fields.amount.minor_units: needs the field currency, "
         "whose minor unit it is"),
        (GOOD.replace("amount}", "{debit: a}}"), "fields.amount.debit: debit and credit are two columns of one amount: both "
         "are required"),
        (field("city: {debit: a, credit: b}"), "fields.city.debit: debit and credit are two columns of one amount: both are "
         "required"),
        (GOOD.replace("time,", "{column: t, format: epoch},"), "fields.timestamp.format: 'epoch' is not allowed; "
         "allowed: iso, epoch_s, epoch_ms, epoch_us, epoch_ns, seconds, minutes, hours, days, weeks or a "
         "pattern as %d.%m.%Y %H:%M:%S"),
        (GOOD.replace("time,", "{column: t, format: '%Q'},"), "fields.timestamp.format: '%Q' is not allowed; "
         "allowed: iso, epoch_s, epoch_ms, epoch_us, epoch_ns, seconds, minutes, hours, days, weeks or a "
         "pattern as %d.%m.%Y %H:%M:%S"),
        (GOOD.replace("amount}", "{column: a, negative: debit}}"), "fields.amount.negative: 'debit' is not allowed; "
         "allowed: 'refund'"),
        (field("latitude: {column: a, negative: refund}"), "fields.latitude.negative: is not allowed for a field of type "
         "latitude; allowed: column, columns, credit, debit, default, join, lookup, may_be_missing, remove, "
         "row_number, scale, value"),
        (GOOD + "\nlabel: {is_fraud: f}", "label: delay_days or known_at is required"),
        (GOOD + "\nlabel: {is_fraud: f, delay_days: -1}", "label.delay_days: -1: input should be greater than or equal "
         "to 0"),
        (GOOD + "\nlabel: {delay_days: 1}", "label: the key 'is_fraud' is required"),
        (GOOD + "\nlabel: {is_fraud: f, delay: 1}", "label: unknown key 'delay' (did you mean "
         "'delay_days'?); allowed: is_fraud, delay_days, known_at, pattern, resolution_code"),
        (GOOD + "\nlabel: {is_fraud: {column: f, prefix: x}, delay_days: 1}", "label.is_fraud.prefix: is not allowed for "
         "a field of type flag; allowed: column, columns, credit, debit, default, false_values, join, lookup, "
         "may_be_missing, row_number, true_values, value"),
        ("kind: login\nfields: {user_id: u, timestamp: t}\nlabel: {is_fraud: f, delay_days: 1}", "label: "
         "allowed for kind transaction only, not login"),
        (GOOD + "\nnested: [{column: c, into: city, type: json}]", "nested.0.type: 'json' is not allowed; allowed: "
         "'float', 'int', 'text', 'list[float]' or 'list[text]'"),
        (GOOD + "\nnested: [{column: c, into: city, type: text, path: a}]", "nested.0.path: 'a' is not a path as $.a.b, "
         "$.a[0] or $.a[*].b, or a list of steps"),
        (GOOD + "\nnested: [{column: c, into: city, type: 'list[text]'}]", "nested.0.type: 'list[text]' is not allowed "
         "for city; allowed: float, int, text"),
        (GOOD.replace("amount: amount", "amount: sum") + "\nnested: [{column: c, into: amount, type: float}]",
         "nested.0.into: 'amount' is already mapped in "
         "fields"),
        (GOOD + "\nnested: [{column: c, into: city, type: text}, {column: d, into: city, type: text}]", "nested.1.into: "
         "'city' is already filled by another entry of nested"),
        ("kind: user_profile\nfields: {user_id: u}\nnested: [{column: c, into: risk_score_histry, type: 'list[float]'}]",
         "nested.0.into: 'risk_score_histry' is not allowed (did you mean 'risk_score_history'?); allowed: a field of "
         "user_profile (user_id, home_latitude, home_longitude, home_country, timezone, kyc_level, account_opened_at, "
         "date_of_birth, credit_limit, avg_monthly_spend, is_vip, prior_fraud_count, last_unblocked_at, "
         "risk_score_history, address_history), a column that `fields` uses, or extra.NAME"),
        ("kind: user_profile\nfields: {user_id: u}\nnested: [{column: c, into: risk_score_history, type: float}]",
         "nested.0.type: 'float' is not allowed for risk_score_history; allowed: list[float]"),
    ],
)  # fmt: skip
def test_invalid_mapping_names_key_and_allowed_values(text: str, message: str) -> None:
    with pytest.raises(MappingError, match=f"^{re.escape(message)}$"):
        parse_mapping(text)


def test_several_problems_are_a_line_each() -> None:
    with pytest.raises(MappingError) as raised:
        parse_mapping(GOOD + "\ncvs: {}\ndecimal: 5\nb: 2\n")
    lines = str(raised.value).splitlines()
    assert [line[:40] for line in sorted(lines)] == [
        "decimal: 5 is not allowed; allowed: '.' ",
        "unknown key 'b'; allowed: kind, fields, ",
        "unknown key 'cvs' (did you mean 'csv'?);",
    ]


def test_of_very_many_problems_the_rest_is_counted() -> None:
    with pytest.raises(MappingError) as raised:
        parse_mapping(GOOD + "".join(f"\nkey_{number}: 1" for number in range(25)))
    lines = str(raised.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "and 5 more problems"
    with pytest.raises(MappingError) as raised:
        parse_mapping(GOOD + "".join(f"\nkey_{number}: 1" for number in range(21)))
    assert str(raised.value).splitlines()[-1] == "and 1 more problem"


def test_each_problem_of_a_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(GOOD + "\na: 1\nb: 2\n")
    with pytest.raises(MappingError) as raised:
        load_mapping(path)
    assert [line.partition("; ")[0] for line in str(raised.value).splitlines()] == [
        f"{path}: unknown key 'a'",
        f"{path}: unknown key 'b'",
    ]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"^cannot read the mapping .*none\.yaml"):
        load_mapping(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("kind: 5")
    with pytest.raises(MappingError, match=r"bad\.yaml: kind: 5 is not allowed; allowed: 'transaction'"):
        load_mapping(tmp_path / "bad.yaml")


def test_kind_of_the_command_line_takes_precedence(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("kind: transaction\nfields: {user_id: u, timestamp: t}\n")
    assert load_mapping(path, "login").kind == "login"
    path.write_text("fields: {user_id: u, timestamp: t}\n")
    assert load_mapping(path, "login").kind == "login"


def test_yaml_scalars_are_not_converted_implicitly() -> None:
    text = field("city: {column: c, lookup: {NO: Norway, 0742: x, on: y, 12:30: z, ~: n, 1: one, true: t, 1.5: f}}")
    lookup = next(plan.lookup for plan in parse_mapping(text).fields if plan.name == "city")
    assert lookup is not None
    assert lookup == {
        "NO": "Norway", "0742": "x", "on": "y", "12:30": "z", "~": "n", "1": "one", "true": "t", "1.5": "f",
    }  # fmt: skip
