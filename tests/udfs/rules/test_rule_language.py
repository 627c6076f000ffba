"""Semantics of conditions, and the errors of invalid ones."""

from __future__ import annotations

import pytest

from tests.udfs.rules.conditions import FEATURES, NAN, hits
from udfs.records.events import Transaction
from udfs.rules.errors import RuleError
from udfs.rules.expressions import parse_condition
from udfs.rules.names import names_for


@pytest.mark.parametrize(
    ("text", "features", "expected"),
    [
        ("amount > 5", {"amount": 5.0}, False),
        ("amount >= 5", {"amount": 5.0}, True),
        ("amount < 5.5", {"amount": 5.0}, True),
        ("amount <= .5", {"amount": 0.5}, True),
        ("amount == 1e3", {"amount": 1000.0}, True),
        ("amount != 1000", {"amount": 1000.0}, False),
        ("10 <= amount < 20", {"amount": 20.0}, False),
        ("10 <= amount < 20", {"amount": 10.0}, True),
        ("1 < 2 < 3", {}, True),
        ("3 > amount > 1 != count", {"amount": 2.0, "count": 1.0}, False),
        ("amount + 2 * 3 == 7", {"amount": 1.0}, True),
        ("(amount + 2) * 3 == 9", {"amount": 1.0}, True),
        ("amount - 2 - 3 == 5", {"amount": 10.0}, True),
        ("amount / 2 / 5 == 1", {"amount": 10.0}, True),
        ("-amount < -5", {"amount": 6.0}, True),
        ("amount % 1000 == 0", {"amount": 5000.0}, True),
        ("amount % 1000 == 0", {"amount": 5000.01}, False),
        ("amount in [1, -2, 3.5]", {"amount": -2.0}, True),
        ("amount not in [1, -2, 3.5]", {"amount": 2.0}, True),
        ("not amount in [1, 2]", {"amount": 2.0}, False),
        ("is_new", {"is_new": 1.0}, True),
        ("is_new", {"is_new": 0.0}, False),
        ("is_new == true", {"is_new": 1.0}, True),
        ("is_new != true", {"is_new": 0.0}, True),
        ("not is_new", {"is_new": 0.0}, True),
        ("not not is_new", {"is_new": -3.0}, True),
        ("amount > 1 and count > 1 or is_new", {"amount": 0.0, "count": 0.0, "is_new": 1.0}, True),
        ("amount > 1 and (count > 1 or is_new)", {"amount": 0.0, "count": 0.0, "is_new": 1.0}, False),
        ("not amount > 1 and is_new", {"amount": 0.0, "is_new": 1.0}, True),
        ("true", {}, True),
        ("false or not false", {}, True),
        ("amount >\n  5 and\tis_new", {"amount": 6.0, "is_new": 1.0}, True),
    ],
)
def test_conditions_over_known_values(text, features, expected):
    assert hits(text, features) is expected


@pytest.mark.parametrize(
    "text",
    [
        "amount > 5", "amount <= 5", "amount == 5", "amount != 5", "not amount == 5", "not amount != 5", "amount == amount",
        "amount != amount", "amount in [1]", "amount not in [1]", "not amount in [1]", "amount", "not amount", "-amount < 0",
        "amount * 0 == 0", "is_new and amount > 5", "not (is_new and amount > 5)", "not is_new or amount > 5",
        "3 < amount != 5", "not (3 > amount)", "amount / 0 > 1 or amount / 0 <= 1", "not (amount % 2 == 1)",
        "is_new + amount != 7", "0 * amount not in [4]",
    ],
)  # fmt: skip
def test_with_an_unknown_number_neither_polarity_is_true(text):
    assert hits(text, {"amount": NAN, "is_new": 1.0}) is False


@pytest.mark.parametrize(
    "text",
    [
        "count / amount > 0", "not count / amount > 0", "count / amount != 3", "count % amount == 0",
        "count % amount != 0", "not count % amount in [0]", "count / (amount - amount) < 1", "count / 0 != 1",
        "not count % 0", "1 / amount", "not 1 / amount", "count / (1 / amount) >= 0",
    ],
)  # fmt: skip
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_division_by_zero_is_unknown_instead_of_an_error(text, zero):
    assert hits(text, {"count": 3.0, "amount": zero}) is False


def test_known_parts_decide_where_the_unknown_one_cannot_matter():
    assert hits("is_new or amount > 5", {"is_new": 1.0}) is True
    assert hits("not (is_new and amount > 5)", {"is_new": 0.0}) is True
    assert hits("not (count > 1 > amount)", {"count": 0.0}) is True


@pytest.mark.parametrize(
    ("text", "fields", "expected"),
    [
        ('city == "Pune"', {"city": "Pune"}, True),
        ("city == 'Pune'", {"city": "pune"}, False),
        ('city == "São Paulo"', {"city": "São Paulo"}, True),
        ('city != "Pune"', {"city": "Goa"}, True),
        ('city != "Pune"', {}, False),
        ('not city == "Pune"', {}, False),
        ('not city != "Pune"', {}, False),
        ('city not in ["Pune", "Goa"]', {}, False),
        ('city not in ["Pune", "Goa"]', {"city": "Agra"}, True),
        ('not city in ["Pune", "Goa"]', {"city": "Goa"}, False),
        ('city in ["Pune", "Goa"]', {"city": "Goa"}, True),
        ("city == country", {}, False),
        ("not city == country", {}, False),
        ("city != country", {"city": "Pune"}, False),
        ("city != country", {"city": "Pune", "country": "IN"}, True),
        ("country == merchant_country", {"country": "IN", "merchant_country": "IN"}, True),
        ('"3000" <= merchant_category <= "3299"', {"merchant_category": "3005"}, True),
        ('"3000" <= merchant_category <= "3299"', {"merchant_category": "5411"}, False),
        ('"3000" <= merchant_category', {}, False),
        ('not "3000" <= merchant_category', {}, False),
        ("city < country", {"country": "IN"}, False),
        ('"a" == "a"', {}, True),
        ('"a" not in ["b"]', {}, True),
        ('kind == "purchase" and auth_result != "declined"', {"auth_result": "approved"}, True),
        ('kind == "PURCHASE" and auth_result != "Declined"', {"auth_result": "approved"}, True),
        ('" Purchase" == kind', {}, True),
        ('channel == "ATM" or channel in ["Point of Sale"]', {"channel": "pos"}, True),
        ('channel in ["ATM", "POS"]', {"channel": "atm"}, True),
        ('entry_mode == "Mag-Stripe"', {"entry_mode": "magstripe"}, True),
        ('channel == "Kiosk"', {"channel": "kiosk"}, True),
        ('city == "ATM"', {"city": "atm"}, False),
        (
            'merchant_country in ["USA", "ind"] and country != "United States"',
            {"merchant_country": "US", "country": "IN"},
            True,
        ),
        ('country == "Narnia"', {"country": "NARNIA"}, True),
        ('transaction_id == "T1" and user_id == "U1"', {}, True),
        ("otp_used", {"otp_used": True}, True),
        ("not otp_used", {"otp_used": False}, True),
        ("not otp_used", {}, False),
        ("otp_used != true", {}, False),
        ("otp_used == false", {"otp_used": False}, True),
        ("original_amount == 10", {"amount": 10.0}, True),
        ("latitude > 10 and longitude < 0", {"latitude": 12.0, "longitude": -3.0}, True),
        ("latitude != 10", {}, False),
        ("-latitude < 0 or latitude + 1 > 0 or latitude", {}, False),
        ("latitude", {"latitude": 0}, False),
        ("timestamp >= 1767225600000", {}, True),
        ("city_fraud_rate > 1.5 * population_fraud_rate", {"city_fraud_rate": 0.4, "population_fraud_rate": 0.2}, True),
        ("city_fraud_rate > 1.5 * population_fraud_rate", {"city_fraud_rate": 0.4}, False),
        ("not city_fraud_rate > 1.5 * population_fraud_rate", {"city_fraud_rate": 0.4}, False),
    ],
)
def test_conditions_read_event_fields_and_missing_ones_are_unknown(text, fields, expected):
    assert hits(text, **fields) is expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("amonut > 5", "unknown name 'amonut' at column 1 (did you mean 'amount'?)"),
        ("is_new AND amount", "expected 'and', 'or' or the end, not 'AND' at column 8"),
        ("True", "unknown name 'True' at column 1 (did you mean 'true'?)"),
        ("amount = 5", "unexpected character '=' at column 8 (compare with ==)"),
        ("is_new && amount", "unexpected character '&' at column 8 (write 'and')"),
        ("!is_new", "unexpected character '!' at column 1 (write 'not', or != to compare)"),
        ("amount > ", "expected a name, number or text, but the condition ends at column 10"),
        ("amount > 5 count", "expected 'and', 'or' or the end, not 'count' at column 12"),
        ("(amount > 5", "expected ')', but the condition ends at column 12"),
        ("kind == 6011", 'a text is compared with a number at column 6 (kind is a text: write "6011")'),
        ("amount > city", "a text is compared with a number at column 8"),
        ("amount in ['a']", "'a' is compared with a number at column 12 (write it without quotes)"),
        ("city in [5]", "'5' is compared with a text at column 10 (put it in quotes)"),
        ("city in []", "expected a number or a quoted text in the list, not ']' at column 10"),
        ("otp_used in [1]", "only a number or a text can be 'in' a list, not true or false at column 1"),
        ("city", "a text is not a condition at column 1 (compare it with == or in [...])"),
        ("is_new and 'x'", "a text is not a condition at column 12 (compare it with == or in [...])"),
        ("not city", "a text is not a condition at column 5 (compare it with == or in [...])"),
        ("city + 1 > 2", "'+' needs a number, not a text at column 1"),
        ("1 + otp_used > 2", "'+' needs a number, not true or false at column 5"),
        ("-(amount > 5) < 0", "'-' needs a number, not a condition at column 2"),
        ("otp_used > false", "true and false have no order: > at column 10 (use == or !=)"),
        ("(amount > 1) == is_new", "a condition cannot be compared with == at column 14 (combine with and, or, not)"),
        ("1 < amount in [2]", "'in' cannot be part of a chained comparison at column 12"),
        ("city == 'Pune", "unexpected character \"'\" at column 9 (the closing quote is missing)"),
        ("city == 'a\\n'", "'\\\\' is not allowed in a quoted text at column 11"),
        ("amount > 1_000", "'1_' is not a number at column 10 (write it like 1000.5)"),
        ("amount > 1e400", "'1e400' is too large for a number at column 10"),
        ("", "expected a name, number or text, but the condition ends at column 1"),
    ],
)  # fmt: skip
def test_an_invalid_condition_is_refused_with_column_and_hint(text, message):
    with pytest.raises(RuleError) as refused:
        parse_condition(text, FEATURES)
    assert str(refused.value) == message


def test_every_field_of_a_transaction_has_a_name():
    names = {name.field for name in names_for(()) if name.source == "event"}
    assert names == set(Transaction.__struct_fields__) - {"attributes"}  # rules read attributes as features


def test_a_feature_cannot_take_the_name_of_an_event_field():
    with pytest.raises(ValueError, match="'city' has the name of an event field"):
        names_for(["city"])
