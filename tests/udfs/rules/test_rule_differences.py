"""Rule sets written as files, compared, and moved from state to state, against what reads and evaluates them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udfs.features.catalogue import NAMES
from udfs.rules.checked_file import check_rule_file
from udfs.rules.difference import FieldChange, difference
from udfs.rules.pack_files import decode_rule_file, pack_names, shipped_pack
from udfs.rules.rule_file_text import rule_file_text
from udfs.rules.rule_set import Guardrails, Rule, RuleSet


def valid(rule: Rule) -> Rule:
    """With a share only where a rule may have one."""
    is_shared = rule.state == "live" and rule.flag is None
    return rule if is_shared else msgspec.structs.replace(rule, rollout=100)


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=60)
rules = st.builds(
    Rule, id=st.from_regex(r"\A[A-Za-z][A-Za-z0-9_]{0,20}\Z"), points=st.integers(0, 1000), when=texts, reason=texts,
    tier=st.none() | st.just("tier"), action=st.none() | st.just("hard_block"), enabled=st.booleans(),
    flag=st.none() | st.just("AML"), state=st.sampled_from(["draft", "shadow", "live", "retired"]),
    rollout=st.integers(0, 100),
    guardrails=st.none() | st.builds(Guardrails, over_payments=st.integers(1, 10_000), hit_rate_max=st.floats(0, 1)),
).map(valid)  # fmt: skip
rule_sets = st.builds(
    RuleSet, name=texts, version=st.integers(1, 2**53), scale=st.just(((0, 0), (10, 1000))),
    rules=st.lists(rules, min_size=1, max_size=6, unique_by=lambda rule: rule.id).map(tuple),
    description=st.just("") | texts,
)  # fmt: skip


@given(rule_sets)
def test_a_written_rule_set_is_read_as_the_same(rule_set: RuleSet) -> None:
    assert decode_rule_file(rule_file_text(rule_set).encode()) == rule_set


@pytest.mark.parametrize("name", pack_names())
def test_a_shipped_pack_is_written_as_itself_one_condition_a_line(name: str) -> None:
    pack = shipped_pack(name)
    text = rule_file_text(pack)
    assert decode_rule_file(text.encode()) == pack
    assert text.count("\n    when: ") == len(pack.rules)
    assert check_rule_file(text.encode(), NAMES).is_valid


@given(rule_sets, rule_sets)
def test_what_a_difference_tells_makes_one_set_of_the_other(before: RuleSet, after: RuleSet) -> None:
    found = difference(before, after)
    made = {rule.id: rule for rule in before.rules}
    for change in found.rules:
        if change.after is None:
            del made[change.rule_id]
        else:
            assert (change.before is None) == (change.rule_id not in made)
            made[change.rule_id] = change.after
    assert made == {rule.id: rule for rule in after.rules}
    assert found.kept == sum(rule in before.rules for rule in after.rules)
    for change in found.of_kind("changed"):
        assert change.fields
        assert all(field.before != field.after for field in change.fields)
    assert difference(before, msgspec.structs.replace(before, version=7)).is_empty


def test_a_changed_rule_is_told_field_by_field() -> None:
    before = RuleSet("r", 1, ((0, 0), (10, 1000)), (Rule("a", 5, "amount > 1", "x"), Rule("b", 5, "amount > 2", "y")))
    moved = msgspec.structs.replace(before.rules[0], points=7, state="live", rollout=10, action="hard_block")
    after = msgspec.structs.replace(before, version=2, scale=((0, 0), (20, 1000)), rules=(before.rules[1], moved))
    found = difference(before, after)
    assert [(change.kind, change.rule_id) for change in found.rules] == [("changed", "a")]
    assert found.rules[0].fields == [
        FieldChange("standing", "live", "live for 10 %"), FieldChange("points", "5", "7"),
        FieldChange("action", None, "hard_block"),
    ]  # fmt: skip
    assert found.whole == [
        FieldChange("scale", "[[0, 0], [10, 1000]]", "[[0, 0], [20, 1000]]"), FieldChange("order", "a, b", "b, a"),
    ]  # fmt: skip


def test_places_of_problems_are_those_that_the_command_tells(tmp_path: Path) -> None:
    content = (
        b"name: r\nversion: 1\nscale: [[0, 0], [1, 10]]\nrules:\n  - {id: a, points: 1, when: amonut > 1, reason: x}\n"
    )
    (problem,) = check_rule_file(content, NAMES).located()
    assert (problem.line, problem.column, problem.end_column, problem.rule) == (5, 30, 36, "a")
    assert "amonut" in problem.message
    assert not check_rule_file(b"rules: [", NAMES).is_valid


def test_a_condition_of_several_lines_stays_readable() -> None:
    rule = Rule("a", 5, "amount > 1\nand channel == 'atm'", "x")
    text = rule_file_text(RuleSet("r", 1, ((0, 0), (10, 1000)), (rule,)))
    assert "    when: |-\n      amount > 1\n      and channel == 'atm'\n    reason: x\n" in text
    assert decode_rule_file(text.encode()).rules == (rule,)
