"""Rules together: points, tiers, the scale, changes while running, and what they say."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import floor

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.rules.conditions import FEATURES, NAN, transaction
from udfs.features.values import FeatureValues, named
from udfs.rules.errors import RuleError
from udfs.rules.names import POPULATION_NAMES
from udfs.rules.rule_set import Rule, RuleSet
from udfs.rules.rulebook import Rulebook, RuleResult, scores_by_points

SCALE = ((0, 0), (10, 100), (30, 1000))
NAMES = frozenset(FEATURES)
POPULATION = dict.fromkeys(POPULATION_NAMES, NAN)
LARGE = Rule("large", 10, "amount > 100", "amount {amount:,.2f} is large")
NEW = Rule("new", 5, "is_new", "first time in {city}")


def rulebook(*rules: Rule, version: int = 1) -> Rulebook:
    return Rulebook.of(RuleSet("test", version, SCALE, rules), NAMES)


def evaluate(book: Rulebook, **features: float) -> RuleResult:
    return book.evaluate(named({**dict.fromkeys(FEATURES, NAN), **features}), transaction(), POPULATION)


def test_points_of_all_hits_add_up_and_go_through_the_scale():
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


def test_each_evaluation_returns_a_list_of_its_own():
    book = rulebook(LARGE)
    evaluate(book).hits.append(NEW)
    assert evaluate(book).hits == []


def test_a_rule_that_is_not_enabled_never_hits_but_is_checked():
    off = msgspec.structs.replace(LARGE, enabled=False)
    assert evaluate(rulebook(off, NEW), amount=500.0, is_new=1.0).hits == [NEW]
    with pytest.raises(RuleError, match="rule large: unknown name 'x'"):
        rulebook(msgspec.structs.replace(off, when="x"))


def test_a_rule_book_without_rules_never_hits():
    assert evaluate(rulebook(), amount=500.0) == RuleResult(0, 0, [])


def test_reasons_hold_the_values_in_the_order_of_the_hits():
    book = rulebook(LARGE, NEW)
    features = named({**dict.fromkeys(FEATURES, NAN), "amount": 12345.678, "is_new": 1.0})
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
def test_a_reason_writes_numbers_as_asked_and_what_is_not_known_as_unknown(template, words):
    book = rulebook(Rule("r", 1, "true", template))
    features = named(
        {"amount": 1234.5, "average": NAN, "ratio": float("inf"), "is_new": 0.0, "count": 3.0, "km": 1e300}
    )
    event = transaction(country="\x1b[31m\n", entry_mode="manual")
    population = {**POPULATION, "population_fraud_rate": 0.0125000001}
    result = book.evaluate(features, event, population)
    assert book.reasons(result, features, event, population) == [words]


def test_yes_and_no_stand_for_what_is_true_and_false_in_a_reason():
    book = rulebook(Rule("r", 1, "true", "one-time password: {otp_used}"))
    for used, word in ((True, "yes"), (False, "no")):
        event = transaction(otp_used=used)
        assert book.reasons(book.evaluate(_unknown(), event, POPULATION), _unknown(), event, POPULATION) == [
            f"one-time password: {word}"
        ]


def _unknown() -> FeatureValues:
    return named(dict.fromkeys(FEATURES, NAN))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 0}, "version must be 1 to"),
        ({"version": 2**60}, "version must be 1 to"),
        ({"scale": ((0, 0),)}, "scale needs at least two"),
        ({"scale": ((0, 5), (10, 100))}, "scale needs at least two"),
        ({"scale": ((0, 0), (10, 100), (10, 200))}, r"scale must rise: \[10, 200\] follows \[10, 100\]"),
        ({"scale": ((0, 0), (10, 100), (20, 90))}, r"scale must rise: \[20, 90\] follows \[10, 100\]"),
        ({"scale": ((0, 0), (10, 1001))}, "scale goes beyond"),
        ({"scale": ((0, 0), (10**9, 1000))}, "scale goes beyond"),
        ({"rules": (LARGE, LARGE)}, "rule large: the id is used twice"),
        ({"rules": (msgspec.structs.replace(LARGE, id="a b"),)}, "id 'a b' is not a letter and then"),
        ({"rules": (msgspec.structs.replace(LARGE, id="large\n"),)}, "is not a letter and then"),
        ({"rules": (msgspec.structs.replace(LARGE, points=-1),)}, "rule large: points must be 0 to 1000"),
        ({"rules": (msgspec.structs.replace(LARGE, points=10**400),)}, "rule large: points must be 0 to 1000"),
        ({"rules": (msgspec.structs.replace(LARGE, tier=" "),)}, "rule large: tier ' ' is not a letter and then"),
        ({"rules": (msgspec.structs.replace(LARGE, reason="{x}"),)}, "rule large: unknown name 'x' at column 2"),
    ],
)
def test_a_rule_set_that_makes_no_sense_is_refused(change, message):
    rule_set = msgspec.structs.replace(RuleSet("test", 1, SCALE, (LARGE,)), **change)
    with pytest.raises(RuleError, match=message):
        Rulebook.of(rule_set, NAMES)


def test_scores_between_the_scales_points_are_rounded_half_up():
    assert scores_by_points([(0, 0), (4, 2), (6, 2), (8, 7)]) == [0, 1, 1, 2, 2, 2, 2, 5, 7]


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.integers(1, 300), st.integers(0, 1000), min_size=1, max_size=5))
def test_scores_follow_the_scale_exactly_never_fall_and_stay_within_it(steps):
    scale = [(0, 0), *zip(sorted(steps), sorted(steps.values()), strict=True)]
    scores = scores_by_points(scale)
    assert len(scores) == scale[-1][0] + 1
    assert scores == sorted(scores)
    for (low, low_score), (high, high_score) in pairwise(scale):
        for points in range(low, high + 1):
            exact = low_score + Fraction(high_score - low_score) * (points - low) / (high - low)
            assert scores[points] == floor(exact + Fraction(1, 2))
