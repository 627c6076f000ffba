"""Several rule sets as one: names, versions, scales, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner
from pydantic import TypeAdapter, ValidationError

from cli.main import main
from jobs.config.value_types import RulesPath
from udfs.rules.combined import CombinationError, combined, parts_of
from udfs.rules.pack_files import RuleFileError, pack_names, rule_set_of, shipped_pack
from udfs.rules.rule_set import Rule, RuleSet, check_rule_set

SCALE = ((0, 0), (10, 100))


def rule_set(name: str, version: int = 1, scale: Any = SCALE, **rule: Any) -> RuleSet:
    one = {"id": f"{name}_rule", "points": 1, "when": "amount > 1", "reason": "x", **rule}
    return RuleSet(name, version, scale, (Rule(**one),))


def test_rules_stand_in_the_order_of_the_sets_and_versions_add_up():
    both = combined([rule_set("one", 3), rule_set("two", 4)])
    assert (both.name, both.version, both.scale) == ("one+two", 7, SCALE)
    assert [rule.id for rule in both.rules] == ["one_rule", "two_rule"]
    assert both.description == "one 3, two 4"
    assert combined([rule_set("one", 3)]) == rule_set("one", 3)


def test_a_set_without_points_needs_no_scale_of_the_others():
    both = combined([rule_set("flags", points=0, flag="AML", scale=((0, 0), (1, 1))), rule_set("two")])
    assert both.scale == SCALE


@pytest.mark.parametrize(
    ("one", "other", "message"),
    [
        (rule_set("a", id="x"), rule_set("b", id="x"), "a and b both have a rule x: rename or remove one of them"),
        (rule_set("a", tier="t"), rule_set("b", tier="t"), "a and b both have a tier t: rename one of them"),
        (rule_set("a"), rule_set("b", scale=((0, 0), (9, 100))), "a and b have different scales for the sum of their "
         "points: give both the same"),
        (rule_set("a"), rule_set("a", id="y"), "two rule sets have the name a"),
    ],
)  # fmt: skip
def test_what_does_not_fit_together_is_refused(one, other, message):
    with pytest.raises(CombinationError) as error:
        combined([one, other])
    assert str(error.value) == message


def test_no_set_and_too_many_rules_are_refused():
    with pytest.raises(CombinationError, match="no rule set is named"):
        combined([])
    many = [RuleSet(n, 1, SCALE, tuple(Rule(f"{n}{i}", 1, "true", "x") for i in range(300))) for n in ("a", "b")]
    with pytest.raises(CombinationError, match="600 rules together, at most 500"):
        combined(many)


def test_shipped_packs_fit_together():
    together = rule_set_of(",".join(pack_names()))
    assert len(together.rules) == sum(len(shipped_pack(name).rules) for name in pack_names())
    check_rule_set(together)


def test_a_file_with_a_comma_in_its_name_stands_alone(tmp_path: Path):
    path = tmp_path / "a,b.yaml"
    path.write_bytes(msgspec.json.encode(rule_set("own")))
    assert parts_of(str(path)) == [str(path)]
    assert rule_set_of(str(path)).name == "own"
    with pytest.raises(RuleFileError, match="two rule sets have the name bank"):
        rule_set_of("bank, bank")


def test_the_configuration_takes_a_list_or_commas(tmp_path: Path):
    path = tmp_path / "own.yaml"
    path.write_bytes(msgspec.json.encode(rule_set("own")))
    check = TypeAdapter(RulesPath).validate_python
    assert check(["bank", "compliance", str(path)]) == f"bank,compliance,{path}"
    assert check("bank, upi") == "bank,upi"
    for wrong in (["bank", "bnak"], [], ["bank", "s3://rules/own.yaml"], [1]):
        with pytest.raises(ValidationError):
            check(wrong)


def test_rules_show_shows_packs_together():
    shown = CliRunner().invoke(main, ["rules", "show", "--pack", "upi", "--pack", "compliance"])
    assert shown.exit_code == 0
    assert shown.output.startswith("upi+compliance, version 2: upi 1, compliance 1\n")
    assert "   0  changed_by_nobody  (flag AUDIT, on account changes)" in shown.output
    twice = CliRunner().invoke(main, ["rules", "show", "--pack", "upi", "--pack", "upi"])
    assert (twice.exit_code, twice.stderr) == (2, "Error: two rule sets have the name upi\n")


def test_a_rule_on_account_changes_only_flags(tmp_path: Path):
    text = """
name: own
version: 1
scale: [[0, 0], [10, 100]]
rules:
  - {id: a, event: account_change, flag: AUDIT, points: 5, when: 'audit_user == ""', reason: x}
  - {id: b, event: account_change, flag: AUDIT, points: 0, when: 'amount > 5', reason: x}
  - {id: c, event: account_change, flag: AUDIT, points: 0, when: 'old_status == "a"', reason: "{amount}"}
  - {id: d, flag: AML, points: 0, when: 'old_status == "a"', reason: x}
"""
    path = tmp_path / "own.yaml"
    path.write_text(text)
    told = CliRunner().invoke(main, ["rules", "check", str(path)])
    assert told.exit_code == 2
    assert told.stderr.splitlines() == [
        "Error: own.yaml: rule a: a rule on account changes raises a flag and nothing else (give it a flag, 0 points, and "
        "neither tier nor action)"
    ]
    path.write_text(text.replace("points: 5", "points: 0"))
    told = CliRunner().invoke(main, ["rules", "check", str(path)])
    assert [line.removeprefix("Error: ") for line in told.stderr.splitlines()] == [
        "own.yaml: rule b: unknown name 'amount' at column 1",
        "own.yaml: rule c: unknown name 'amount' at column 2",
        "own.yaml: rule d: unknown name 'old_status' at column 1",
    ]
    path.write_text(text.replace("flag: AML", "flag: SAR"))
    told = CliRunner().invoke(main, ["rules", "check", str(path)])
    assert "rule d: Invalid enum value 'SAR'" in told.stderr
