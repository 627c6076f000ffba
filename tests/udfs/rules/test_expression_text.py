"""Trees written as text are read as the same trees."""

from __future__ import annotations

import pytest

from udfs.features.feature_set import feature_set_of
from udfs.rules.expression_text import text_of
from udfs.rules.expressions import parse_condition
from udfs.rules.named_lists import ListEntry, NamedList, lists_by_name
from udfs.rules.pack_files import pack_names, shipped_pack

NAMES = feature_set_of().names
LISTS = lists_by_name([NamedList("risky", "country", 1, (ListEntry("IR"),))])


@pytest.mark.parametrize("pack", pack_names())
def test_every_shipped_condition_is_written_with_the_same_tree(pack: str) -> None:
    for rule in shipped_pack(pack).rules:
        if rule.event == "transaction":
            tree = parse_condition(rule.when, NAMES)
            assert parse_condition(text_of(tree), NAMES) == tree, rule.id


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        ("merchant_country in @risky or not known(city)", "(merchant_country in @risky) or (not known(city))"),
        ("min(amount, 3, -amount) == round(amount, 2)", "min(amount, 3, -amount) == round(amount, 2)"),
        ("startswith(lower(city), 'o\"')", "startswith(lower(city), 'o\"')"),
        ("city in ['\"', 'b']", 'city in [\'"\', "b"]'),
        ("1 < amount <= 1e20 and 0.1 != amount", "(1 < amount <= 1e+20) and (0.1 != amount)"),
        (
            "amount - (3 - 1) * -amount > 2 and otp_used == true",
            "((amount - ((3 - 1) * (-amount))) > 2) and (otp_used == true)",
        ),
    ],
)
def test_a_tree_is_written_with_its_parentheses_and_quotes(condition: str, text: str) -> None:
    tree = parse_condition(condition, NAMES, LISTS)
    assert text_of(tree) == text
    assert parse_condition(text, NAMES, LISTS) == tree
