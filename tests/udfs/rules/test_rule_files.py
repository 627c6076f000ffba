"""Reading rule sets from files and control messages, and the errors of invalid ones."""

from __future__ import annotations

import msgspec
import pytest

from udfs.rules.errors import RuleError
from udfs.rules.pack_files import RuleFileError, load_rule_set, pack_names, parse_rule_set, shipped_pack
from udfs.rules.rule_set import Rule, RuleSet, decode_rule_set

YAML = """
name: own
version: 3
description: ours
scale: [[0, 0], [50, 600]]
rules:
  - id: large
    points: 10
    when: >
      amount > 100
      and not is_vip
    reason: "large: {amount:.2f}"
    tier: size
    action: refer_to_analyst
  - {id: country, points: 5, when: 'merchant_country in ["NO", "SE"]', reason: north, enabled: no}
"""
EXPECTED = RuleSet(
    name="own",
    version=3,
    description="ours",
    scale=((0, 0), (50, 600)),
    rules=(
        Rule("large", 10, "amount > 100 and not is_vip\n", "large: {amount:.2f}", "size", "refer_to_analyst"),
        Rule("country", 5, 'merchant_country in ["NO", "SE"]', "north", enabled=False),
    ),
)


def test_a_rule_set_is_read_from_yaml(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(YAML)
    assert load_rule_set(path) == EXPECTED


def test_a_rule_set_is_read_from_json_messages_and_files():
    payload = msgspec.json.encode(EXPECTED)
    assert decode_rule_set(payload) == EXPECTED
    assert parse_rule_set(payload, "own.json") == EXPECTED


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("points: 10", "points: ten", "own.yaml: rule large: Expected 'int', got 'str' at 'points'"),
        ("points: 10", "pionts: 10", "own.yaml: rule large: Object contains unknown field 'pionts' (did you mean 'points'?"),
        ("points: 10", "pts: 10", "own.yaml: rule large: Object contains unknown field 'pts' (did you mean 'points'?)"),
        ("points: 10", "xyz: 10", "own.yaml: rule large: Object contains unknown field 'xyz' (known are id, points, when, "
         "reason, tier, action, enabled, flag, event, state, rollout, guardrails)"),
        ("version: 3", "versoin: 3", "own.yaml: Object contains unknown field 'versoin' (did you mean 'version'?)"),
        ("    points: 10\n", "", "own.yaml: rule large: Object missing required field 'points'"),
        ("tier: size", "teir: size", "own.yaml: rule large: Object contains unknown field 'teir' (did you mean 'tier'?)"),
        ("action: refer_to_analyst", "action: block", "own.yaml: rule large: Invalid enum value 'block' at 'action'"),
        ("id: large", "id: no", "own.yaml: rule number 1: Expected 'str', got 'bool' at 'id'"),
        ("id: country", "id: large", "own.yaml: rule large: duplicate id"),
        ("version: 3", "version: 3.5", "own.yaml: Expected 'int', got 'float' at 'version'"),
        ("    tier: size", "    points: 7", "own.yaml: not YAML: 'points' is given twice at line 13, column 5"),
        ("[50, 600]]", "[50, 600]", "own.yaml: not YAML: "),
        ("[0, 0]", "[0]", "own.yaml: Expected 'array' of length 2, got 1 at 'scale[0]'"),
    ],
)  # fmt: skip
def test_an_invalid_file_is_refused_with_file_rule_and_field(old, new, message):
    assert YAML.count(old) == 1
    with pytest.raises(RuleFileError) as refused:
        parse_rule_set(YAML.replace(old, new).encode(), "own.yaml")
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_merge_keys_do_not_multiply_what_they_merge():
    once = YAML.replace("  - id: large", "  - &large\n    id: large") + "  - {<<: *large, id: again}\n"
    assert [rule.id for rule in parse_rule_set(once.encode(), "own.yaml").rules][-1] == "again"
    levels = [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 30)]
    bomb = "a0: &a0 {x: 1, y: 2}\n" + "".join(levels)
    wide = f"a: &a {{{', '.join(f'k{n}: 1' for n in range(900))}}}\nb: {{<<: [{', '.join(['*a'] * 11)}]}}\n"
    for text, told in ((bomb, "more than 1,000 keys are merged"), (wide, "more than 10 merged")):
        with pytest.raises(RuleFileError, match=told):
            parse_rule_set(text.encode(), "own.yaml")


def test_every_invalid_rule_has_a_line():
    broken = YAML.replace("points: 10", "pts: 10").replace("points: 5", "points: five")
    with pytest.raises(RuleFileError) as refused:
        parse_rule_set(broken.encode(), "own.yaml")
    assert str(refused.value).splitlines() == [
        "own.yaml: rule large: Object contains unknown field 'pts' (did you mean 'points'?)",
        "own.yaml: rule country: Expected 'int', got 'str' at 'points'",
    ]


def test_invalid_json_is_refused_with_the_rules_id():
    broken = msgspec.json.encode(EXPECTED).replace(b'"points":10', b'"points":"x"')
    with pytest.raises(RuleError) as refused:
        decode_rule_set(broken)
    assert str(refused.value) == "rule large: Expected 'int', got 'str' at 'points'"


def test_a_missing_file_or_a_folder_is_refused_with_its_path(tmp_path):
    with pytest.raises(RuleFileError, match=r"none\.yaml: cannot be read: No such file"):
        load_rule_set(tmp_path / "none.yaml")
    with pytest.raises(RuleFileError, match="cannot be read: Is a directory"):
        load_rule_set(tmp_path)


def test_an_unknown_pack_is_refused_with_the_known_ones():
    assert "bank" in pack_names()
    with pytest.raises(RuleFileError, match=r"unknown rule pack 'bnak': expected one of .*bank"):
        shipped_pack("bnak")
