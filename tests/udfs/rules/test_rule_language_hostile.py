"""Hostile conditions, reasons and rule files raise only RuleError and RuleFileError."""

from __future__ import annotations

import sys

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.rules.conditions import FEATURES, reason_of, truth_of, values_of
from udfs.rules.errors import RuleError
from udfs.rules.expressions import parse_condition
from udfs.rules.pack_files import RuleFileError, parse_rule_set
from udfs.rules.rule_set import Rule, RuleSet, decode_rule_set
from udfs.rules.rulebook import Rulebook

HOSTILE = [
    "(" * 500 + "amount" + ")" * 499, "(" * 999, "not " * 250, "-" * 1000, "[" * 1000, "a" * 10**6,
    "amount > " + "9" * 5000, "amount > " + "9" * 900, "amount > 1e400", "amount > 1e99999", "amount\0 > 1",
    "amount > 1\0", "city == '\0'", "city == '\ud800'", "\udfff", "\uff41mount > 1", "amount > \uff11",
    "\u0430mount > 1", "amount > \u00b2", "\u017ftr", "amount \uff1e 1", "amount\u00a0> 1", "\ufeffamount > 1",
    "amount > 1\u2028", "amount > 1 # x", "amount > 1;", "amount; import os", "__import__('os')", "amount.real > 1",
    "amount.__class__", "amount[0] > 1", "f['amount'] > 1", "e.city == 'a'", "print(1)", "f(amount)", "(lambda: 1)()",
    "lambda: 1", "[amount for amount in [1]]", "{amount}", "{'a': 1}", "(amount, count) > 1", "amount if 1 else 2",
    "(amount := 5) > 1", "f'{amount}' == 'a'", "b'a' == city", "r'a' == city", "u'a' == city", "'a' 'b' == city",
    "'''a''' == city", "amount ** 2 > 1", "amount // 2 > 1", "amount @ 2", "amount << 1", "~amount", "+amount > 1",
    "amount & 1", "amount | 1", "amount ^ 1", "amount is 1", "amount is not None", "None", "True", "...",
    "await amount", "yield amount", "*amount", "**amount", "amount > 1j", "amount > 0x1f", "amount > 0b1",
    "amount > 1_0", "amount > 1.2.3", "amount > 1.e", "amount > 1e", "amount > 1e+", "amount in (1, 2)",
    "amount in 1", "amount in [1, ]", "amount in [[1]]", "amount in [count]", "amount in [1 + 1]",
    "amount in [- 'a']", "city in ['a' 'b']", "city in ['a', 1]", "amount in [" + "1, " * 330 + "'x']",
    "amount > 1 \\\n", "amount <> 1", "amount === 1", "amount =< 1", "and", "or", "not", "in", "amount and",
    "amount or or count", "amount not count", "amount not", "()", "(amount", "amount)", ")", "", " ", "\n", "'", '"',
    "nan > 1", "inf > 1", "t0 > 1", "hits", "v_amount > 1", "row_0", "tier_0", "p", "f", "e", "if", "def", "class",
    "true.real", "amount > 1 and\\u0020count", "amount" + "+amount" * 140, "amount" + "/amount" * 140 + " > 1",
    "amount > -" + "-" * 500 + "1", "city == \"" + "é" * 2000 + "\"", "\u202eamount > 1", "amount > \u0661", "x" * 64,
    "\x1b[31mamount", "abs", "abs(", "abs()", "abs(1, 2)", "abs(amount", "abs(city) > 1", "abs(amount,) > 1",
    "amount(1) > 1", "min(amount) > 1", "max(" + "amount, " * 8 + "amount) > 1", "round(amount, 7) > 1",
    "round(amount, 0.5) > 1", "round(amount, count) > 1", "round(amount, -1) > 1", "lower(amount) == 'a'",
    "lower(city)", "startswith(city) ", "startswith(city, 1)", "startswith(city, 'a') == true", "known()",
    "known(amount, city)", "known(nothing)", "known(amount) + 1 > 1", "coalesce(amount) > 1",
    "coalesce(amount, 'a') > 1", "coalesce(amount > 1, true)", "coalesce(otp_used, 1) == 1",
    "hours_between(amount, timestamp) > 1", "hours_between(timestamp) > 1", "days_between(timestamp, 'today') > 1",
    "days_between(timestamp, '2026-02-30') > 1", "days_between(city, timestamp) > 1", "abs(" * 31 + "amount" + ")" * 31,
    "min(" * 200, "f(", "f()", "and(amount)", "abs (amount) (1)", "abs[amount] > 1", "abs(abs) > 1", "amount in abs(1)",
    "count(", "count()", "count(last", "count(last 7", "count(last 7 days", "count(last 7 days > 1",
    "count(last amount days) > 1", "count(last 1e308 days) > 1", "count(last 1e-300 hours) > 1",
    "count(last 0 hours) > 1", "count(last 1 day 2 hours) > 1",
    "count(last (7) days) > 1", "count(last 7 and days) > 1", "count(count(last 7 days)) > 1", "sum(last 7 days) > 1",
    "count(last 7 days) == 'a'", "count(amount) > 1", "count(last 7 days).x > 1", "last(7) > 1", "count(last 7days) > 1",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_conditions_raise_a_printable_one_line_rule_error(text):
    with pytest.raises(RuleError) as refused:
        parse_condition(text, FEATURES)
    message = str(refused.value)
    assert message.isprintable()
    assert len(message) < 300


@pytest.mark.parametrize("value", [None, 5, 1.5, b"amount > 1", ["amount"], object()])
def test_a_condition_that_is_not_a_text_raises_a_rule_error(value):
    with pytest.raises(RuleError, match="a condition must be a text"):
        parse_condition(value, FEATURES)  # type: ignore[arg-type]


def test_conditions_at_the_limits_of_length_and_depth_are_evaluated():
    wide = " and ".join(["amount > 1"] * 66)
    deep = "(" * 30 + "amount > 1" + ")" * 30
    divided, odd = "amount" + "/-count" * 14 + " != 1", "not " * 29 + "is_new"
    for text in (wide, deep, divided, odd):
        assert truth_of(text, dict.fromkeys(FEATURES, 2.0)) is (text != odd)


def test_a_deep_python_stack_does_not_limit_the_parser():
    def descend(levels: int) -> bool | None:
        return descend(levels - 1) if levels else truth_of("(" * 29 + "amount > 1" + ")" * 29, {"amount": 2.0})

    used = len(_frames())
    assert descend(sys.getrecursionlimit() - used - 30) is True


def _frames() -> list[object]:
    frame, frames = sys._getframe(), []
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


pieces = st.sampled_from(
    [
        "amount", "city", "otp_used", "is_new", "true", "1", "1e9", "0.5", "'a'", '"b"', "(", ")", "[", "]", ",", "<",
        "<=", ">", "==", "!=", "+", "-", "*", "/", "%", "and", "or", "not", "in", " ", "\n", ".", "**", ":=",
        "lambda", "é", "\0", "\ud800", "abs(", "min(", "round(", "lower(", "startswith(", "known(", "coalesce(",
        "hours_between(", "timestamp",
    ]
)  # fmt: skip


@settings(max_examples=800, deadline=None)
@given(st.text(max_size=60) | st.lists(pieces, max_size=25).map(" ".join) | st.lists(pieces, max_size=25).map("".join))
def test_any_text_is_a_condition_that_runs_or_a_rule_error(text):
    try:
        truth = truth_of(text, dict.fromkeys(FEATURES, 1.0), population_fraud_rate=1.0)
    except RuleError as refused:
        error = refused
    else:
        assert truth in (True, False, None)
        assert truth_of(f"not ({text})", dict.fromkeys(FEATURES, 1.0), population_fraud_rate=1.0) is (
            None if truth is None else not truth
        )
        return
    assert error.position is not None
    assert 1 <= error.position <= len(text) + 1


@pytest.mark.parametrize(
    "reason",
    [
        "{amount.real}", "{amount[0]}", "{amount!r}", "{amount:{count}}", "{amount:>10}", "{amount:.7f}",
        "{amount:.1e}", "{amount:d}", "{amount:999999999.1f}", "{}", "{0}", "{ amount }", "{amount", "amount}",
        "{amonut}", "{city:.1f}", "{otp_used:.1f}", "{", "}", "{{}", "{__class__}", "line\nbreak", "\0", "\ud800", "",
        "   ", "x" * 501, "{amount:}", None, 5, "{amount:.1f}}", "{\u0430mount}",
    ],
)  # fmt: skip
def test_hostile_reasons_raise_a_rule_error(reason):
    with pytest.raises(RuleError) as refused:
        reason_of(reason)
    assert str(refused.value).isprintable()


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="{}:.,1f!r[]amount c", max_size=30))
def test_any_text_is_a_reason_or_a_rule_error(text):
    try:
        words = reason_of(text, {"amount": 1.5, "count": 2.0})
    except RuleError:
        return
    assert words.isprintable()


HOSTILE_FILES = [
    b"", b"\0", b"\xff\xfe", b"\xed\xa0\x80", b"null", b"5", b"[]", b"{}", b"[" * 100_000, b"{" * 100_000,
    b"{a: " * 5000, b"- " * 5000, b"a: &a [*a]", b"a: &a [x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nname: *c",
    b"!!python/object/apply:os.system ['true']", b"!!python/name:os.system", b"!!bool maybe", b"!!int ''",
    b"!!float x", b"!!timestamp x", b"!!binary x", b"? [a]\n: b", b"name: 'x", b"\t", b"name: x\nname: y",
    b"version: " + b"9" * 5000, b"name: x\nversion: 0x" + b"f" * 5000 + b"\nscale: [[0,0],[1,1]]\nrules: []",
    b"name: x\nversion: 1\nscale: [[0,0],[1,1]]\nrules: [{id: a, points: 0x" + b"f" * 5000 + b", when: 'true', reason: r}]",
    b"name: x\nversion: 1\nscale: [[0,0],[1,1]]\nrules: [5, [], null, {id: [1]}]", b"name: 2026-13-45",
    b"%YAML 9.9\n---\n", b"--- a\n--- b\n",
    b"name: x\nversion: 1\nscale: [[0,0],[1,1]]\nrules: [{id: \"\\e[31m\\n\", points: 1}]", b"<<: [1]",
    b"'\\ud800': 1", b"x" * 1_000_001, b"\"\\ud800\": 1",
    b"name: x\nversion: 1\nscale: [[0,0],[1,1]]\nrules: [{id: " + b"x" * 900_000 + b"}]",
    b"!<tag:yaml.org,2002:map> x",
    b"name: no\nversion: yes\nscale: x\nrules: y",
]  # fmt: skip


@pytest.mark.parametrize("content", HOSTILE_FILES, ids=range(len(HOSTILE_FILES)))
def test_hostile_rule_files_raise_a_printable_error_with_the_file(content):
    with pytest.raises(RuleFileError) as refused:
        parse_rule_set(content, "own.yaml")
    message = str(refused.value)
    for line in message.split("\n"):
        assert line.startswith("own.yaml: ")
        assert line.isprintable()
        assert len(line) < 400


@pytest.mark.parametrize("content", HOSTILE_FILES, ids=range(len(HOSTILE_FILES)))
def test_hostile_json_raises_a_rule_error(content):
    with pytest.raises(RuleError) as refused:
        decode_rule_set(content)
    assert str(refused.value).isprintable()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_a_rule_set_or_an_error(content):
    with pytest.raises(RuleFileError):
        parse_rule_set(content, "own.yaml")
    with pytest.raises(RuleError):
        decode_rule_set(content)


def test_the_maximum_number_of_rules_compiles_and_one_more_fails():
    rules = tuple(Rule(f"r{number}", 1, f"amount > {500 - number}", "x", tier="all") for number in range(500))
    rule_set = RuleSet("many", 1, ((0, 0), (10, 100)), rules)
    result = Rulebook.of(rule_set, FEATURES).evaluate(values_of({"amount": 400.5}), None, {})
    assert [rule.id for rule in result.hits] == ["r100"]
    one_more = msgspec.structs.replace(rule_set, rules=(*rules, Rule("last", 1, "is_new", "x")))
    with pytest.raises(RuleError, match="501 rules, at most 500 are allowed"):
        Rulebook.of(one_more, FEATURES)


def test_half_a_character_is_told_with_its_column():
    for field in ("when", "reason"):
        rule = msgspec.structs.replace(Rule("r", 1, "is_new", "x"), **{field: "is \ud800"})
        with pytest.raises(RuleError, match=r"rule r: a .* holds half of a character at column 4"):
            Rulebook.of(RuleSet("own", 1, ((0, 0), (10, 100)), (rule,)), FEATURES)
