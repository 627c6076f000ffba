"""Which customers a roll-out reaches, and which rules count in each state."""

from __future__ import annotations

import hashlib
from collections import Counter

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.udfs.rules.conditions import FEATURES, transaction, values_of
from udfs.core._native import rollout_place
from udfs.rules.errors import RuleError
from udfs.rules.rule_set import Guardrails, Rule, RuleSet, RuleState, rule_set_from
from udfs.rules.rulebook import Rulebook, rule_problems

SCALE = ((0, 0), (1000, 1000))
USERS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64)
IDS = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,63}", fullmatch=True)


def place_of(user_id: str, rule_id: str) -> int:
    """By its definition in docs/rules.md."""
    digest = hashlib.blake2b(f"{user_id}\0{rule_id}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 100


def rule(rule_id: str, state: RuleState = "live", rollout: int = 100, tier: str | None = None) -> Rule:
    return Rule(rule_id, 10, "amount > 0", "x", tier, state=state, rollout=rollout)


def hits(rules: tuple[Rule, ...], user_id: str) -> list[str]:
    book = Rulebook(RuleSet("own", 1, SCALE, rules), FEATURES)
    event = msgspec.structs.replace(transaction(), user_id=user_id)
    result = book.evaluate(values_of({"amount": 5.0}), event, {})
    assert result.points == 10 * len(result.hits)
    return [hit.id for hit in result.hits]


@given(USERS, IDS)
def test_a_customers_place_is_the_documented_hash(user_id: str, rule_id: str) -> None:
    assert rollout_place(user_id, rule_id) == place_of(user_id, rule_id)


@given(USERS, IDS, st.integers(0, 100), st.integers(0, 100))
def test_a_greater_share_only_adds_customers(user_id: str, rule_id: str, one: int, other: int) -> None:
    less, more = sorted((one, other))
    assert hits((rule(rule_id, rollout=less),), user_id) == ([rule_id] if place_of(user_id, rule_id) < less else [])
    assert hits((rule(rule_id, rollout=less),), user_id) <= hits((rule(rule_id, rollout=more),), user_id)
    assert hits((rule(rule_id, rollout=100),), user_id) == [rule_id]
    assert hits((rule(rule_id, rollout=0),), user_id) == []


def test_places_are_uniform_and_independent_between_rules() -> None:
    users = [f"U{number:07}" for number in range(100_000)]
    places = Counter(rollout_place(user, "new_device") for user in users)
    assert sum((count - 1_000) ** 2 / 1_000 for count in places.values()) < 149  # chi-square of 99 degrees, p = 0.001
    both = sum(rollout_place(user, "a") < 10 and rollout_place(user, "b") < 10 for user in users)
    assert abs(both - 1_000) < 4 * (1_000 * 0.99) ** 0.5


@given(st.permutations(["draft", "shadow", "live", "retired"]), USERS)
def test_only_live_rules_count_and_leave_the_others_of_their_tier_out(states: list[RuleState], user_id: str) -> None:
    rules = tuple(rule(f"r{number}", state) for number, state in enumerate(states))
    assert hits(rules, user_id) == [f"r{states.index('live')}"]
    tiered = tuple(msgspec.structs.replace(one, tier="t") for one in rules)
    assert hits((*tiered, rule("last", tier="t")), user_id) == [f"r{states.index('live')}"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"state": "lively"}, "Invalid enum value 'lively' at 'state'"),
        ({"rollout": 101}, "rollout must be 0 to 100"),
        ({"rollout": -1}, "rollout must be 0 to 100"),
        ({"rollout": 10, "state": "shadow"}, "rollout is the share of a live rule: leave it out"),
        (
            {"guardrails": {"over_payments": 100}},
            "guardrails need one of hit_rate_max, alert_rate_max and block_rate_max",
        ),
        ({"guardrails": {"hit_rate_max": 0.1}}, "missing required field 'over_payments'"),
        (
            {"guardrails": {"hit_rate_max": 1.1, "over_payments": 9}},
            "Expected 'float' <= 1.0 at 'guardrails.hit_rate_max'",
        ),
        ({"guardrails": {"hit_rate": 0.1, "over_payments": 9}}, "unknown field 'hit_rate'"),
    ],
)
def test_what_is_wrong_about_a_state_is_told_with_its_rule(change: dict[str, object], message: str) -> None:
    made = {"id": "a", "points": 1, "when": "amount > 1", "reason": "x", **change}
    with pytest.raises(RuleError, match=f"^rule a: .*{message}"):
        rule_set_from({"name": "own", "version": 1, "scale": [[0, 0], [1, 1]], "rules": [made]})


def test_at_most_eight_rules_are_rolled_out_in_part_at_once() -> None:
    made = [{"id": f"r{n}", "points": 1, "when": "amount > 1", "reason": "x", "rollout": 10} for n in range(9)]
    tree = {"name": "own", "version": 1, "scale": [[0, 0], [1, 1]], "rules": made}
    with pytest.raises(RuleError, match="9 rules are rolled out in part, at most 8 may be at once"):
        rule_set_from(tree)
    assert len(rule_set_from(tree | {"rules": made[1:]}).rules) == 8


def test_a_rule_set_reads_back_with_states_shares_and_guardrails() -> None:
    guarded = Rule("a", 1, "amount > 1", "x", rollout=10, guardrails=Guardrails(1_000, hit_rate_max=0.02))
    written = RuleSet("own", 1, SCALE, (guarded, rule("b", "shadow"), rule("c", "retired")))
    assert rule_set_from(msgspec.to_builtins(written)) == written
    assert [one.standing for one in written.rules] == ["live for 10 %", "shadow", "retired"]


def test_what_never_hits_in_its_tier_is_told_of_rules_that_count_only() -> None:
    later = rule("later", tier="t")
    cases = [(rule("e", tier="t"), True), (rule("e", "shadow", tier="t"), False), (rule("e", "live", 50, "t"), False)]
    for earlier, is_told in cases:
        found = rule_problems(RuleSet("own", 1, SCALE, (earlier, later)), FEATURES)
        assert any("never hits" in str(problem.error) for problem in found) == is_told
    found = rule_problems(RuleSet("own", 1, SCALE, (rule("a", "shadow"),)), FEATURES)
    assert ("warning", "no rule is live") in [(one.severity, str(one.error)) for one in found]
