"""`count(last 7 days)` and `amount_sum(last 36 hours)` in conditions, reasons, checks and trees."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tests.udfs.rules.conditions import FEATURES, NAN, transaction, values_of
from udfs.core import _native
from udfs.rules.column_rules import ColumnRules
from udfs.rules.errors import RuleError
from udfs.rules.expression_text import text_of
from udfs.rules.expressions import Window, parse_condition, windows_in
from udfs.rules.rule_set import Rule, RuleSet
from udfs.rules.rulebook import Rulebook, rule_problems

SCALE = ((0, 0), (10, 100))
WINDOWS = {"count(last 7 days)": 12.0, "amount_sum(last 7 days)": 340.5, "count(last 36 hours)": 3.0}


def truth_of(text: str, windows: dict[str, float] = WINDOWS) -> bool | None:
    return _native.condition_truth(text, list(FEATURES), values_of({"amount": 10.0}), transaction(), windows)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("count(last 7 days) > 11", True),
        ("count(last 168 hours) > 11", True),
        ("count ( last 7 day )== 12", True),
        ("amount_sum(last 7 days) / count(last 7 days) > 28.3", True),
        ("amount > 10 * amount_sum(last 7 days)", False),
        ("count(last 36 hours) in [1, 2, 3]", True),
        ("known(count(last 36 hours)) and not known(count(last 35 hours))", True),
        ("coalesce(count(last 2 days), 0) == 0", True),
        ("max(count(last 7 days), count(last 36 hours)) == 12", True),
        ("count(last 1 hour) > 0", None),
        ("not amount_sum(last 90 days) == 0", None),
    ],
)
def test_conditions_over_windows(text, expected):
    assert truth_of(text) is expected


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("count() > 1", 7, "expected 'last', not ')'"),
        ("count(7 days) > 1", 7, "expected 'last', not '7'"),
        ("amount > 1 and count(last days) > 1", 27, "expected a number of hours or days, not 'days'"),
        ("count(last -1 days) > 1", 12, "expected a number of hours or days, not '-'"),
        ("count(last 7) > 1", 13, "expected 'hours' or 'days', not ')'"),
        ("count(last 7 weeks) > 1", 14, "expected 'hours' or 'days', not 'weeks'"),
        ("count(last 7 'days') > 1", 14, "expected 'hours' or 'days', not 'days'"),
        ("count(last 0 days) > 1", 12, "count cannot look at the last 0 days"),
        ("count(last 91 days) > 1", 12, "count cannot look at the last 91 days"),
        ("amount_sum(last 2161 hours) > 1", 17, "amount_sum cannot look at the last 2161 hours"),
        ("count(last 1.5 days) > 1", 12, "count cannot look at the last 1.5 days"),
        ("count(last 1e300 days) > 1", 12, "count cannot look at the last 1e300 days"),
        ("count(last 7 days, amount) > 1", 18, "expected ')', not ','"),
        ("last 7 days > 1", 1, "unknown name 'last'"),
        ("counts(last 7 days) > 1", 1, "unknown function 'counts'"),
        ("startswith(count(last 7 days), 'a')", 12, "startswith needs a text, not a number"),
    ],
)
def test_errors_say_where_and_what(text, column, message):
    with pytest.raises(RuleError) as caught:
        parse_condition(text, FEATURES)
    assert (caught.value.position, caught.value.message) == (column, message)


@pytest.mark.parametrize(
    ("text", "name", "hours"),
    [
        ("last 1 hour", "last 1 hour", 1),
        ("last 1 days", "last 1 day", 24),
        ("last 24 hours", "last 1 day", 24),
        ("last 36 hours", "last 36 hours", 36),
        ("last 2160 hours", "last 90 days", 2_160),
    ],
)
def test_one_length_has_one_name(text, name, hours):
    tree = parse_condition(f"count({text}) > 1 or is_new", FEATURES)
    assert windows_in(tree) == {Window(f"count({name})", "count", hours)}
    assert text_of(tree) == f"(count({name}) > 1) or is_new"
    assert parse_condition(text_of(tree), FEATURES) == tree
    assert _native.is_window(f"count({name})")
    assert not _native.is_window("amount")


def test_reasons_tell_of_windows():
    reason = "{count(last 7 days)} payments, {amount_sum(last 7 days):,.2f} spent, {count(last 2 days):.0f} in 2 days"
    found = _native.reason_text(reason, list(FEATURES), values_of(), transaction(), {**WINDOWS, "x": 1.0})
    assert found == "12 payments, 340.50 spent, unknown in 2 days"


@pytest.mark.parametrize(
    ("reason", "column", "message"),
    [
        ("a {count(last 7 weeks)} b", 17, "expected 'hours' or 'days', not 'weeks'"),
        ("a {count(last 7 days) + 1} b", 23, "expected the end of the value, not '+'"),
        ("{count(last 7 days)(2)} b", 20, "expected the end of the value, not '('"),
        ("{abs(amount)}", 1, "the reason has a brace that does not belong to {name} or {name:.1f}"),
        ("{count(last 7 days):d}", 1, "the format 'd' is not allowed for count(last 7 days)"),
    ],
)
def test_errors_in_reasons_say_where_and_what(reason, column, message):
    with pytest.raises(RuleError) as caught:
        _native.reason_text(reason, list(FEATURES), values_of(), transaction(), {})
    assert (caught.value.position, caught.value.message) == (column, message)


def problems(*conditions: str, **fields: object) -> list[tuple[str, str]]:
    fields = {"points": 5, "reason": "x", **fields}
    rules = tuple(Rule(id=f"r{number}", when=when, **fields) for number, when in enumerate(conditions))
    found = rule_problems(RuleSet("test", 1, SCALE, rules), FEATURES)
    return [(problem.severity, problem.error.message) for problem in found]


def test_what_no_window_can_be_is_an_error():
    ((severity, message),) = problems("count(last 7 days) < 1")
    assert severity == "error"
    assert "count(last 7 days)" in message
    ((severity, message),) = problems("count(last 24 hours) > 5 and count(last 1 day) < 4")
    assert severity == "error"
    assert "count(last 1 day)" in message
    assert problems("amount_sum(last 2 days) >= 0")[0][0] == "warning"
    assert problems("count(last 2 days) > 5 and count(last 3 days) < 9") == []


def test_of_rules_in_a_tier_one_that_may_be_unknown_hides_no_other():
    assert problems("count(last 7 days) >= 1 and amount > 1", "amount > 5", tier="t") == []
    assert problems("count(last 7 days) > 9", "count(last 168 hours) > 4", tier="t") == []
    ((severity, message),) = problems("count(last 7 days) > 4", "count(last 168 hours) > 9", tier="t")
    assert (severity, message) == ("error", "never hits: r0, which comes first in tier t, is true whenever it is")


def test_a_change_of_an_account_has_no_payments_to_count():
    found = problems("count(last 7 days) > 1", points=0, event="account_change", flag="AUDIT")
    assert found == [("error", "count is of payments, not of a change of an account")]


def test_a_rule_is_about_what_its_windows_tell():
    rule = Rule("r", 5, "amount > 2 * amount_sum(last 30 days) and count(last 7 days) > 1", "x")
    book = Rulebook.of(RuleSet("test", 1, SCALE, (rule,)), FEATURES)
    assert book.names_read("r") == ("amount", "amount_sum", "count")
    assert [hit.id for hit in book.evaluate([NAN] * 6, None, {}).hits] == []
    windows = {"amount_sum(last 30 days)": 4.0, "count(last 7 days)": 2.0}
    assert [hit.id for hit in book.evaluate(values_of({"amount": 9.0}), None, windows).hits] == ["r"]


def test_columns_hit_as_single_payments_do():
    conditions = (
        "count(last 7 days) > 3 and amount_sum(last 36 hours) < 100",
        "amount > amount_sum(last 36 hours) / count(last 168 hours)",
        "not known(count(last 7 days)) or coalesce(amount_sum(last 36 hours), 0) == 0",
    )
    rules = tuple(Rule(f"r{number}", 5, when, "x") for number, when in enumerate(conditions))
    rule_set = RuleSet("test", 1, SCALE, rules)
    columns, book = ColumnRules(rule_set, FEATURES), Rulebook.of(rule_set, FEATURES)
    assert set(columns.number_names) == {"count(last 7 days)", "amount_sum(last 36 hours)", "amount"}
    values = (NAN, 0.0, 3.0, 4.0, 99.5, 200.0)
    rows = list(itertools.product(values, repeat=3))
    numbers = {name: np.array([row[place] for row in rows]) for place, name in enumerate(columns.number_names)}
    hits = columns.evaluate(len(rows), numbers, {})
    for number, row in enumerate(rows):
        known = dict(zip(columns.number_names, row, strict=True))
        result = book.evaluate(values_of({"amount": known["amount"]}), None, known)
        found = hits.places[hits.starts[number] : hits.starts[number + 1]]
        assert [rules[place] for place in found] == result.hits
