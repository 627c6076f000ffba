"""Whatever is typed where a condition, a reason or a rule file is expected, only the named errors come out."""

from __future__ import annotations

import sys

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.rules.conditions import FEATURES, VOCABULARY, transaction
from udfs.features.values import named
from udfs.rules.compiler import compile_rows
from udfs.rules.errors import RuleError
from udfs.rules.language import parse_condition
from udfs.rules.names import POPULATION_NAMES
from udfs.rules.pack_files import RuleFileError, parse_rule_set
from udfs.rules.reasons import ReasonTemplate
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
    "\x1b[31mamount",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_conditions_end_in_a_rule_error_of_one_printable_line(text):
    with pytest.raises(RuleError) as refused:
        parse_condition(text, VOCABULARY)
    message = str(refused.value)
    assert message.isprintable()
    assert len(message) < 300


@pytest.mark.parametrize("value", [None, 5, 1.5, b"amount > 1", ["amount"], object()])
def test_a_condition_that_is_no_text_ends_in_a_rule_error(value):
    with pytest.raises(RuleError, match="a condition is a text"):
        parse_condition(value, VOCABULARY)


def test_a_condition_of_the_greatest_allowed_length_and_depth_still_compiles():
    wide = " and ".join(["amount > 1"] * 66)
    deep = "(" * 30 + "amount > 1" + ")" * 30
    divided = "amount" + "/-count" * 14 + " != 1"
    for text in (wide, deep, divided, "not " * 29 + "is_new"):
        matching = compile_rows([(parse_condition(text, VOCABULARY), None, "row")])
        matching(named(dict.fromkeys(FEATURES, 2.0)), None, {})


def test_a_condition_met_deep_in_the_stack_ends_in_a_rule_error_too():
    def descend(levels: int) -> None:
        if levels:
            descend(levels - 1)
        else:
            parse_condition("(" * 29 + "amount > 1" + ")" * 29, VOCABULARY)

    used = len(_frames())
    with pytest.raises(RuleError, match="nested too deeply"):
        descend(sys.getrecursionlimit() - used - 60)


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
        "lambda", "é", "\0", "\ud800",
    ]
)  # fmt: skip


@settings(max_examples=800, deadline=None)
@given(st.text(max_size=60) | st.lists(pieces, max_size=25).map(" ".join) | st.lists(pieces, max_size=25).map("".join))
def test_any_text_is_either_a_condition_that_runs_or_a_rule_error(text):
    try:
        condition = parse_condition(text, VOCABULARY)
    except RuleError as refused:
        error = refused
    else:
        matching = compile_rows([(condition, None, "row")])
        assert matching(named(dict.fromkeys(FEATURES, 1.0)), transaction(), dict.fromkeys(POPULATION_NAMES, 1.0)) in (
            [],
            ["row"],
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
def test_hostile_reasons_end_in_a_rule_error(reason):
    with pytest.raises(RuleError) as refused:
        ReasonTemplate(reason, VOCABULARY)
    assert str(refused.value).isprintable()


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="{}:.,1f!r[]amount c", max_size=30))
def test_any_text_is_either_a_reason_or_a_rule_error(text):
    try:
        template = ReasonTemplate(text, VOCABULARY)
    except RuleError:
        return
    assert template.words({"amount": 1.5, "count": 2.0}, None, {}).isprintable()


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
def test_hostile_rule_files_end_in_one_printable_line_that_names_the_file(content):
    with pytest.raises(RuleFileError) as refused:
        parse_rule_set(content, "own.yaml")
    message = str(refused.value)
    assert message.startswith("own.yaml: ")
    assert message.isprintable()
    assert len(message) < 400


@pytest.mark.parametrize("content", HOSTILE_FILES, ids=range(len(HOSTILE_FILES)))
def test_hostile_json_ends_in_a_rule_error(content):
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


def test_as_many_rules_as_allowed_compile_even_in_one_tier_and_one_more_is_refused():
    rules = tuple(Rule(f"r{number}", 1, f"amount > {500 - number}", "x", tier="all") for number in range(500))
    rule_set = RuleSet("many", 1, ((0, 0), (10, 100)), rules)
    result = Rulebook.of(rule_set, frozenset(FEATURES)).evaluate(named({"amount": 400.5}), None, {})
    assert [rule.id for rule in result.hits] == ["r100"]
    one_more = msgspec.structs.replace(rule_set, rules=(*rules, Rule("last", 1, "true", "x")))
    with pytest.raises(RuleError, match="501 rules, at most 500 are allowed"):
        Rulebook.of(one_more, frozenset(FEATURES))
