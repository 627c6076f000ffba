"""Conversion of points to log-odds, by a learned rule map or by the rule set's scale."""

from __future__ import annotations

from itertools import pairwise
from math import log

import msgspec
import pytest

from udfs.rules.pack_files import shipped_pack
from udfs.rules.rule_map import (
    RuleMap,
    RuleMapError,
    check_rule_map,
    content_of,
    default_shifts,
    find_rule_map,
    learned_shifts,
)
from udfs.rules.rule_set import Rule, RuleSet

MAP = RuleMap("bank", 1, "c", (0, 10, 30), (0.01, 0.02, 0.5), 1000, 20)
RULES = RuleSet(
    "own", 3, ((0, 0), (100, 1000)),
    (Rule("a", 10, "amount > 5", "a"), Rule("b", 20, "amount  >  6", "b", tier="t", action="refer_to_analyst")),
)  # fmt: skip


def logit(rate: float) -> float:
    return log(rate / (1 - rate))


def test_a_map_is_linear_between_its_points_and_constant_outside() -> None:
    shifts = learned_shifts(MAP)
    assert len(shifts) == 31
    assert shifts[0] == 0.0
    assert shifts[10] == pytest.approx(logit(0.02) - logit(0.01))
    assert shifts[30] == pytest.approx(logit(0.5) - logit(0.01))
    assert shifts[20] == pytest.approx((shifts[10] + shifts[30]) / 2)
    assert all(later >= earlier for earlier, later in pairwise(shifts))


def test_a_map_adds_nothing_below_its_first_point() -> None:
    shifts = learned_shifts(msgspec.structs.replace(MAP, points=(5, 10), rates=(0.01, 0.1)))
    assert shifts[:6] == [0.0] * 6
    assert shifts[10] == pytest.approx(logit(0.1) - logit(0.01))


def test_the_highest_score_of_a_set_without_a_map_multiplies_the_odds_by_ten() -> None:
    shifts = default_shifts(shipped_pack("bank").scale)
    assert shifts[0] == 0.0
    assert shifts[-1] == pytest.approx(log(10))
    assert shifts[150] == pytest.approx(log(10) * 0.51)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": (), "rates": ()}, "0 points with 0 rates"),
        ({"points": (0, 10)}, "2 points with 3 rates"),
        ({"points": (0, 10, 10)}, "points must increase"),
        ({"rates": (0.01, 0.5, 0.4)}, "rates must not decrease"),
        ({"rates": (0.0, 0.5, 0.6)}, "between 0 and 1"),
        ({"rates": (0.1, 0.5, 1.0)}, "between 0 and 1"),
        ({"rates": (0.1, 0.5, float("nan"))}, "between 0 and 1"),
        ({"points": (-1, 10, 30)}, "points must be 0 to"),
        ({"points": (0, 10, 10**9)}, "points must be 0 to"),
    ],
)
def test_an_invalid_map_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(RuleMapError, match=message):
        check_rule_map(msgspec.structs.replace(MAP, **change))


def test_the_content_hash_covers_conditions_points_tiers_and_actions() -> None:
    replace = msgspec.structs.replace
    content = content_of(RULES)
    first, second = RULES.rules
    same = [
        replace(RULES, name="other", version=9, scale=((0, 0), (5, 5)), description="text"),
        replace(RULES, rules=(replace(first, reason="other words", when=" amount >  5"), second)),
        replace(RULES, rules=(first, second, replace(first, id="off", enabled=False))),
    ]
    assert [content_of(rules) for rules in same] == [content] * 3
    other = [
        (replace(first, points=11), second),
        (replace(first, when="amount > 5.0"), second),
        (replace(first, id="z"), second),
        (first, replace(second, tier=None)),
        (first, replace(second, action="hard_block")),
        (first, replace(second, enabled=False)),
        (second, first),
    ]
    assert len({content, *(content_of(replace(RULES, rules=rules)) for rules in other)}) == 8


def test_the_last_map_with_the_rule_sets_content_is_found() -> None:
    maps = [msgspec.structs.replace(MAP, content=content, version=n) for n, content in enumerate(("x", "y", "x"))]
    rules = content_of(RULES)
    assert find_rule_map(maps, RULES) is None
    mine = [*maps, msgspec.structs.replace(MAP, content=rules, version=7), maps[0]]
    found = find_rule_map(mine, RULES)
    assert found is not None
    assert found.version == 7
