"""docs/rules.md agrees with the code: names and examples."""

from __future__ import annotations

import re
from pathlib import Path

from udfs.features.catalogue import NAMES
from udfs.rules.expressions import parse_condition
from udfs.rules.list_files import parse_list
from udfs.rules.named_lists import NamedList, lists_by_name
from udfs.rules.names import names_for
from udfs.rules.pack_files import parse_rule_set
from udfs.rules.rule_set import Rule, RuleSet
from udfs.rules.rulebook import Rulebook, rule_problems

TEXT = (Path(__file__).parents[3] / "docs" / "rules.md").read_text()


def test_the_documented_names_are_those_of_the_vocabulary():
    rows = re.findall(r"^\| ((?:`\w+` ?)+) ?\|", TEXT[TEXT.index("## Names: the event") :], re.MULTILINE)
    documented = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(documented) == [name.name for name in names_for(NAMES)]


def test_the_documented_rule_set_is_valid():
    example = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    rule_set = parse_rule_set(example[1].encode(), "example")
    assert Rulebook.of(rule_set, NAMES).version == 4


def test_the_documented_conditions_are_valid():
    section = TEXT[TEXT.index("## Conditions") : TEXT.index("## Reasons")]
    blocks = re.findall(r"```(\w*)\n(.*?)```", section, re.DOTALL)
    of_functions = next(text for _, text in blocks if "coalesce(" in text)
    prose = re.sub(r"```.*?```", "", section, flags=re.DOTALL)
    shown = {
        code
        for code in set(re.findall(r"`([^`]+)`", prose)) - {"not in"}
        if re.search(r"\w+\)? (<|<=|==|!=|in|and) |^not \w+_", code) and not code.startswith("would have")
    } | set(of_functions.splitlines())
    assert len(shown) >= 15
    (named_list,) = [parse_list(text.encode(), "example") for language, text in blocks if language == "yaml"]
    lists = lists_by_name([named_list, NamedList("towns", "text", 1)])
    for condition in shown:
        parse_condition(condition, NAMES, lists)
        rule_set = RuleSet("shown", 1, ((0, 0), (10, 100)), (Rule("shown", 1, condition, "x"),))
        told = rule_problems(rule_set, NAMES, lists)
        assert told == [] or condition == "round(2.5) == 3"
