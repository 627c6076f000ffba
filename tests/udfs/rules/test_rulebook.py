"""Rulebook: points, tiers, scale, reasons and validation of rule sets."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import floor

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.rules.conditions import FEATURES, NAN, transaction, values_of
from udfs.core._native import scale_scores
from udfs.rules.errors import RuleError, RuleErrors
from udfs.rules.names import POPULATION_NAMES
from udfs.rules.rule_set import Rule, RuleSet
from udfs.rules.rulebook import Rulebook, RuleResult, rule_problems

SCALE = ((0, 0), (10, 100), (30, 1000))
POPULATION = dict.fromkeys(POPULATION_NAMES, NAN)
LARGE = Rule("large", 10, "amount > 100", "amount {amount:,.2f} is large")
NEW = Rule("new", 5, "is_new", "first time in {city}")


def rulebook(*rules: Rule, version: int = 1) -> Rulebook:
    return Rulebook.of(RuleSet("test", version, SCALE, rules), FEATURES)


def evaluate(book: Rulebook, **features: float) -> RuleResult:
    return book.evaluate(values_of(features), transaction(), POPULATION)


def test_points_of_all_hits_add_up_and_are_scaled():
    result = evaluate(rulebook(LARGE, NEW), amount=101.0, is_new=1.0)
    assert (result.points, result.score, result.hits) == (15, 325, [LARGE, NEW])


def test_without_a_hit_points_and_score_are_zero():
    assert evaluate(rulebook(LARGE, NEW), amount=1.0) == RuleResult(0, 0, [])


def test_points_beyond_the_scale_keep_its_last_score():
    result = evaluate(rulebook(LARGE, Rule("more", 500, "true", "x")), amount=101.0)
    assert (result.points, result.score) == (510, 1000)


def test_of_the_rules_of_one_tier_only_the_first_in_file_order_hits():
    high, low = Rule("high", 25, "amount > 50", "x", tier="t"), Rule("low", 5, "amount > 10", "x", tier="t")
    book = rulebook(high, NEW, low, Rule("other", 1, "amount > 10", "x", tier="u"))
    assert [rule.id for rule in evaluate(book, amount=60.0, is_new=1.0).hits] == ["high", "new", "other"]
    assert [rule.id for rule in evaluate(book, amount=20.0).hits] == ["low", "other"]


def test_each_evaluation_returns_a_new_list():
    book = rulebook(LARGE)
    evaluate(book).hits.append(NEW)
    assert evaluate(book).hits == []


def test_a_disabled_rule_never_hits_but_is_validated():
    off = msgspec.structs.replace(LARGE, enabled=False)
    assert evaluate(rulebook(off, NEW), amount=500.0, is_new=1.0).hits == [NEW]
    with pytest.raises(RuleError, match="rule large: unknown name 'x'"):
        rulebook(msgspec.structs.replace(off, when="x"))


def test_reasons_are_rendered_in_the_order_of_the_hits():
    book = rulebook(LARGE, NEW)
    features = values_of({"amount": 12345.678, "is_new": 1.0})
    event = transaction(city="Pune")
    result = book.evaluate(features, event, POPULATION)
    assert book.reasons(result, features, event, POPULATION) == ["amount 12,345.68 is large", "first time in Pune"]


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{amount}", "1234.5"),
        ("{amount:.0f} {amount:.1f} {amount:,.2f}", "1234 1234.5 1,234.50"),
        ("{count} {km} {ratio}", "3 1e+300 inf"),
        ("{average} {average:.2f} {city} {otp_used} {latitude:.1f}", "unknown unknown unknown unknown unknown"),
        ("{{{count}}} }}{{", "{3} }{"),
        ("{country} {entry_mode}", "\\x1b[31m\\n manual"),
        ("{original_amount} {timestamp}", "10 1767225600000"),
        ("{population_fraud_rate:.3f} {city_fraud_rate}", "0.013 unknown"),
    ],
)
def test_reasons_format_numbers_and_write_unknown_for_missing_values(template, words):
    book = rulebook(Rule("r", 1, "true", template))
    features = values_of(
        {"amount": 1234.5, "average": NAN, "ratio": float("inf"), "is_new": 0.0, "count": 3.0, "km": 1e300}
    )
    event = transaction(country="\x1b[31m\n", entry_mode="manual")
    population = {**POPULATION, "population_fraud_rate": 0.0125000001}
    result = book.evaluate(features, event, population)
    assert book.reasons(result, features, event, population) == [words]


def test_reasons_write_flags_as_yes_and_no():
    book = rulebook(Rule("r", 1, "true", "one-time password: {otp_used}"))
    for used, word in ((True, "yes"), (False, "no")):
        event = transaction(otp_used=used)
        result = book.evaluate(values_of(), event, POPULATION)
        assert book.reasons(result, values_of(), event, POPULATION) == [f"one-time password: {word}"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rules": ()}, "a rule set needs at least one rule"),
        ({"name": "x" * 990_000}, "name has 990000 characters, at most 100 are allowed"),
        ({"name": " "}, "name is empty"),
        ({"name": "bank\x1b[31m"}, "name must be one line of printable characters"),
        ({"description": "two\nlines"}, "description must be one line of printable characters"),
        ({"description": "x" * 1001}, "description has 1001 characters, at most 1000 are allowed"),
        (
            {"rules": (msgspec.structs.replace(LARGE, reason="a\nb"),)},
            "rule large: the reason must be one line of printable",
        ),
        ({"version": 0}, "version must be 1 to"),
        ({"version": 2**60}, "version must be 1 to"),
        ({"scale": ((0, 0),)}, "scale needs at least two"),
        ({"scale": ((0, 5), (10, 100))}, "scale needs at least two"),
        ({"scale": ((0, 0), (10, 100), (10, 200))}, r"scale must increase: \[10, 200\] follows \[10, 100\]"),
        ({"scale": ((0, 0), (10, 100), (20, 90))}, r"scale must increase: \[20, 90\] follows \[10, 100\]"),
        ({"scale": ((0, 0), (10, 1001))}, "scale must lie within"),
        ({"scale": ((0, 0), (10**9, 1000))}, "scale must lie within"),
        ({"rules": (LARGE, LARGE)}, "rule large: duplicate id"),
        ({"rules": (msgspec.structs.replace(LARGE, id="a b"),)}, "id 'a b' must be a letter followed by"),
        ({"rules": (msgspec.structs.replace(LARGE, id="large\n"),)}, "must be a letter followed by"),
        ({"rules": (msgspec.structs.replace(LARGE, points=-1),)}, "rule large: points must be 0 to 1000"),
        ({"rules": (msgspec.structs.replace(LARGE, points=10**400),)}, "rule large: points must be 0 to 1000"),
        ({"rules": (msgspec.structs.replace(LARGE, tier=" "),)}, "rule large: tier ' ' must be a letter followed by"),
        ({"rules": (msgspec.structs.replace(LARGE, reason="{x}"),)}, "rule large: unknown name 'x' at column 2"),
    ],
)
def test_an_invalid_rule_set_is_refused(change, message):
    rule_set = msgspec.structs.replace(RuleSet("test", 1, SCALE, (LARGE,)), **change)
    with pytest.raises(RuleError, match=message):
        Rulebook.of(rule_set, FEATURES)


def test_scores_between_the_scales_points_are_rounded_half_up():
    assert scale_scores([(0, 0), (4, 2), (6, 2), (8, 7)]) == [0, 1, 1, 2, 2, 2, 2, 5, 7]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.integers(1, 300), st.integers(0, 1000), min_size=1, max_size=5))
def test_scores_follow_the_scale_exactly_and_never_decrease(steps):
    scale = [(0, 0), *zip(sorted(steps), sorted(steps.values()), strict=True)]
    scores = scale_scores(scale)
    assert len(scores) == scale[-1][0] + 1
    assert scores == sorted(scores)
    for (low, low_score), (high, high_score) in pairwise(scale):
        for points in range(low, high + 1):
            exact = low_score + Fraction(high_score - low_score) * (points - low) / (high - low)
            assert scores[points] == floor(exact + Fraction(1, 2))


def test_all_errors_of_a_rule_set_are_raised_together():
    rules = (
        msgspec.structs.replace(LARGE, when="amonut > 1"),
        NEW,
        Rule("kinds", 1, "kind == 'chargeback'", "{x}"),
        Rule("never", 1, "amount < 0", "x"),
    )
    with pytest.raises(RuleErrors) as refused:
        rulebook(*rules)
    assert [str(error) for error in refused.value.errors] == [
        "rule large: unknown name 'amonut' at column 1 (did you mean 'amount'?)",
        "rule kinds: unknown name 'x' at column 2",
        "rule kinds: 'chargeback' is not a known kind at column 9 (known are purchase, refund, reversal)",
        "rule never: the condition is never true: no value of 'amount' fits it",
    ]
    assert str(refused.value) == "; ".join(map(str, refused.value.errors))


def test_of_many_errors_the_text_has_twenty():
    rules = tuple(Rule(f"r{number}", 1, "x", "y") for number in range(25))
    with pytest.raises(RuleErrors) as refused:
        rulebook(*rules)
    assert str(refused.value).count("rule r") == 20
    assert str(refused.value).endswith("; and 5 more: `fraud rules check` lists them")


def test_what_may_be_intended_is_a_warning():
    everything = Rule("everything", 1, "true", "x")
    narrow = Rule("narrow", 5, "amount < 20 and channel == 'kisok'", "x", tier="t")
    rule_set = RuleSet("test", 1, SCALE, (everything, Rule("wide", 1, "amount > 50", "x", tier="t"), narrow))
    assert [(severity, str(error)) for severity, error in rule_problems(rule_set, FEATURES)] == [
        ("warning", "rule everything: the condition is always true, whatever the known values are"),
        ("warning", "rule narrow: 'kisok' is not a known channel at column 28 (known are pos, atm, ecommerce, online, web, "
         "app, mobile, upi, transfer, wire, p2p)"),
        ("warning", "rule narrow: gives more points than wide, which comes first in tier t"),
    ]  # fmt: skip
    assert Rulebook.of(rule_set, FEATURES).version == 1


def test_a_rule_set_in_force_already_needs_not_pass_the_checks_of_new_ones():
    old = RuleSet("test", 1, SCALE, (LARGE, Rule("kinds", 1, "kind == 'chargeback'", "x")))
    result = Rulebook(old, FEATURES).evaluate(values_of({"amount": 500.0}), transaction(), POPULATION)
    assert result.hits == [LARGE]
    with pytest.raises(RuleError, match="'chargeback' is not a known kind"):
        Rulebook.of(old, FEATURES)
