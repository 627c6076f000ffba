"""Random conditions over random values: the core compared with a brute-force interpreter."""

from __future__ import annotations

from math import inf
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.rules.conditions import FEATURES, NAN, transaction
from tests.udfs.rules.three_valued import truth
from udfs.core import _native
from udfs.rules.expression_text import text_of
from udfs.rules.expressions import parse_condition
from udfs.rules.names import POPULATION_NAMES
from udfs.rules.rule_set import Rule, RuleSet
from udfs.rules.rulebook import Rulebook, RuleResult, rule_problems

TEXT_VALUES = (None, "a", "b", "bb", "B", "éb", "ÉB")
TEXT_NAMES = ("city", "email_domain", "beneficiary_id")
EVENT_NUMBERS = ("latitude", "longitude", "original_amount")
WINDOWS = ("count(last 7 days)", "amount_sum(last 36 hours)", "count(last 1 hour)")
"""As the core names them."""
COMPARISONS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])

number_literals = st.sampled_from(["0", "1", "2", "0.5", "3", "1e300"])
text_literals = st.sampled_from(['"a"', "'b'", '"c"', '"B"', "'Éb'"])
leaves = number_literals | st.sampled_from(
    [*FEATURES[:4], *EVENT_NUMBERS, "city_fraud_rate", *WINDOWS, "count(last 168 hours)"]
)
moment_texts = st.sampled_from(
    ["timestamp", "statistics_as_of_ms", "coalesce(statistics_as_of_ms, timestamp)", "'2026-01-01'",
     "'2026-01-31T23:59:59.500+05:30'", "86400000"]
)  # fmt: skip
numbers = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds("-{}".format, inner),
        st.builds("({})".format, inner),
        st.builds("{} {} {}".format, inner, st.sampled_from("+-*/%"), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/%"), inner),
        st.builds("{}({})".format, st.sampled_from(["abs", "round"]), inner),
        st.builds("round({}, {})".format, inner, st.integers(0, 6)),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max", "coalesce"]), inner, inner),
        st.builds("coalesce({}, {}, {})".format, inner, inner, inner),
        st.builds("{}_between({}, {})".format, st.sampled_from(["hours", "days"]), moment_texts, moment_texts),
    ),
    max_leaves=5,
)
texts = st.recursive(
    text_literals | st.sampled_from(TEXT_NAMES),
    lambda inner: st.one_of(
        st.builds("lower({})".format, inner),
        st.builds("coalesce({}, {})".format, inner, inner),
        st.builds("coalesce({}, {}, {})".format, inner, inner, inner),
    ),
    max_leaves=3,
)


def chains(operands: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    links = st.lists(st.tuples(COMPARISONS, operands), min_size=1, max_size=3)
    return st.builds(lambda first, rest: first + "".join(f" {op} {item}" for op, item in rest), operands, links)


def memberships(operands: st.SearchStrategy[str], literals: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    choices = st.lists(literals, min_size=1, max_size=3).map(", ".join)
    return st.builds("{} {} [{}]".format, operands, st.sampled_from(["in", "not in"]), choices)


flags = st.builds(
    "{} {} {}".format, st.just("otp_used"), st.sampled_from(["==", "!="]), st.sampled_from(["true", "false"])
)
calls = st.one_of(
    st.builds("startswith({}, {})".format, texts, texts),
    st.builds("known({})".format, numbers | texts | st.just("otp_used") | chains(numbers) | chains(texts)),
    st.builds("coalesce(otp_used, {})".format, st.sampled_from(["true", "false", "otp_used"])),
)
atoms = st.one_of(
    calls, chains(numbers), chains(texts), memberships(numbers, number_literals | st.just("-1")),
    memberships(texts, text_literals), numbers, flags, st.sampled_from(["otp_used", "true", "false"]),
)  # fmt: skip
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("({}) {} ({})".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("{} {} {}".format, inner, st.sampled_from(["and", "or"]), inner),
    ),
    max_leaves=4,
)
values = st.sampled_from([NAN, NAN, 0.0, -0.0, 1.0, 2.0, 0.5, -1.0, float("inf"), float("-inf"), 5e-324, 1.7e308])
maybe = st.sampled_from([None, 0.0, 1.0, 45.5])
moments = st.fixed_dictionaries(
    {
        "features": st.fixed_dictionaries(dict.fromkeys(FEATURES, values)),
        "population": st.fixed_dictionaries(dict.fromkeys([*POPULATION_NAMES, *WINDOWS], values)),
        "texts": st.fixed_dictionaries(dict.fromkeys(TEXT_NAMES, st.sampled_from(TEXT_VALUES))),
        "place": st.fixed_dictionaries({"latitude": maybe, "longitude": maybe}),
        "otp_used": st.sampled_from([None, True, False]),
        "amount": st.sampled_from([0.0, 1.0, 3.0]),
    }
)


SCALE = ((0, 0), (3, 10), (7, 500), (20, 1000))
WORDS = "{amount:.1f} {count} {city} {otp_used} {latitude:,.3f}"


def known_of(moment: dict[str, Any]) -> dict[str, Any]:
    """The values of a moment by name."""
    return {
        **moment["features"], **moment["population"], **moment["texts"], **moment["place"], "otp_used": moment["otp_used"],
        "original_amount": moment["amount"], "timestamp": 1_767_225_600_000,
    }  # fmt: skip


def event_of(moment: dict[str, Any]) -> Any:
    return transaction(amount=moment["amount"], otp_used=moment["otp_used"], **moment["texts"], **moment["place"])


def values_at(moment: dict[str, Any]) -> list[float]:
    return [moment["features"][name] for name in FEATURES]


@settings(max_examples=1500, deadline=None)
@given(conditions, st.lists(moments, min_size=1, max_size=6))
def test_conditions_agree_with_the_brute_force_oracle(text, moments):
    for moment in moments:
        expected = truth(text, known_of(moment))
        for condition, wanted in ((text, expected), (f"not ({text})", None if expected is None else not expected)):
            found = _native.condition_truth(
                condition, list(FEATURES), values_at(moment), event_of(moment), moment["population"]
            )
            assert found is wanted


@settings(max_examples=500, deadline=None)
@given(conditions, moments)
def test_a_tree_written_as_a_condition_again_is_the_same_condition(text, moment):
    tree = parse_condition(text, FEATURES)
    again = text_of(tree)
    assert parse_condition(again, FEATURES) == tree
    assert truth(again, known_of(moment)) is truth(text, known_of(moment))


@settings(max_examples=1500, deadline=None)
@given(conditions, st.lists(moments, min_size=1, max_size=6))
def test_conditions_said_to_be_never_or_always_true_are(text, moments):
    problems = rule_problems(RuleSet("made", 1, SCALE, (Rule("made", 1, text, "x"),)), FEATURES)
    found = [truth(text, known_of(moment)) for moment in moments if moment["amount"] >= 0.0 and is_possible(moment)]
    for _, error in problems:
        refuted = "always" not in error.message
        assert refuted not in found


def is_possible(moment: dict[str, Any]) -> bool:
    """Whether a scorer could have made the values: rates, amounts and counts are in their range."""
    rates = (moment["population"]["city_fraud_rate"], moment["population"]["population_fraud_rate"])
    others = (moment["features"]["amount"], *moment["population"].values())
    counts = (moment["population"][name] for name in WINDOWS if name.startswith("count"))
    return not (
        any(value < 0.0 or value > 1.0 for value in rates)
        or any(value < 0.0 for value in others)
        or any(value < 1.0 or value == inf for value in counts)
    )


rules = st.lists(
    st.tuples(conditions, st.integers(0, 9), st.sampled_from([None, None, "one", "two"]), st.booleans()),
    min_size=1,
    max_size=6,
)


@settings(max_examples=500, deadline=None)
@given(rules, st.lists(moments, min_size=1, max_size=4))
def test_hits_points_and_score_of_rule_sets_follow_the_oracle(drawn, moments):
    made = tuple(
        Rule(f"r{number}", points, when, WORDS, tier, None, enabled)
        for number, (when, points, tier, enabled) in enumerate(drawn)
    )
    rulebook = Rulebook(RuleSet("made", 3, SCALE, made), FEATURES)
    for moment in moments:
        hits: list[Rule] = []
        for rule in made:
            is_free = rule.tier is None or rule.tier not in {hit.tier for hit in hits}
            if rule.enabled and is_free and truth(rule.when, known_of(moment)) is True:
                hits.append(rule)
        points = sum(rule.points for rule in hits)
        result = rulebook.evaluate(values_at(moment), event_of(moment), moment["population"])
        assert result == RuleResult(points, _native.scale_scores(list(SCALE))[min(points, 20)], hits)
        words = rulebook.reasons(result, values_at(moment), event_of(moment), moment["population"])
        assert words == [words_by_hand(known_of(moment))] * len(hits)


def words_by_hand(known: dict[str, Any]) -> str:
    """WORDS with values, as docs/rules.md says."""

    def number(name: str, spec: str = "") -> str:
        value = known[name]
        if value is None or value != value:
            return "unknown"
        if spec:
            return format(value, spec)
        whole = abs(value) < 2.0**53 and value == int(value)
        return str(int(value)) if whole else f"{value:.6g}"

    otp = {None: "unknown", True: "yes", False: "no"}[known["otp_used"]]
    return (
        f"{number('amount', '.1f')} {number('count')} {known['city'] or 'unknown'} {otp} {number('latitude', ',.3f')}"
    )
