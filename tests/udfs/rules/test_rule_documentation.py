"""docs/rules.md against the code: every name, and examples that work."""

from __future__ import annotations

import re
from pathlib import Path

from udfs.features.catalogue import NAMES
from udfs.rules.language import parse_condition
from udfs.rules.names import Vocabulary
from udfs.rules.pack_files import parse_rule_set
from udfs.rules.rulebook import Rulebook

TEXT = (Path(__file__).parents[3] / "docs" / "rules.md").read_text()
VOCABULARY = Vocabulary(NAMES)


def test_every_name_that_a_rule_may_use_has_its_row_and_no_row_has_another():
    rows = re.findall(r"^\| ((?:`\w+` ?)+) ?\|", TEXT[TEXT.index("## Names: the event") :], re.MULTILINE)
    documented = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert sorted(documented) == sorted(name.name for name in VOCABULARY)


def test_the_rule_set_shown_is_a_rule_set():
    example = re.search(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    assert example is not None
    rule_set = parse_rule_set(example[1].encode(), "example")
    assert Rulebook.of(rule_set, frozenset(NAMES)).version == 4


def test_the_conditions_shown_are_conditions():
    start, end = TEXT.index("## Conditions"), TEXT.index("## Reasons")
    shown = [
        code
        for code in set(re.findall(r"`([^`]+)`", TEXT[start:end])) - {"not in"}
        if re.search(r"\w+ (<|<=|==|!=|in|and) |^not \w+_", code)
    ]
    assert len(shown) >= 10
    for condition in shown:
        parse_condition(condition, VOCABULARY)
