"""Random conditions over random values: the compiled form against the brute-force meaning."""

from __future__ import annotations

import warnings

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.rules.conditions import FEATURES, NAN, VOCABULARY, transaction
from tests.udfs.rules.three_valued import truth
from udfs.features.values import named
from udfs.rules.compiler import compile_rows
from udfs.rules.language import parse_condition
from udfs.rules.names import POPULATION_NAMES

TEXT_NAMES = ("city", "country", "merchant_country")
EVENT_NUMBERS = ("latitude", "longitude", "original_amount")
COMPARISONS = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])

number_literals = st.sampled_from(["0", "1", "2", "0.5", "3", "1e300"])
text_literals = st.sampled_from(['"a"', "'b'", '"c"'])
leaves = number_literals | st.sampled_from([*FEATURES[:4], *EVENT_NUMBERS, "city_fraud_rate"])
numbers = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds("-{}".format, inner),
        st.builds("({})".format, inner),
        st.builds("{} {} {}".format, inner, st.sampled_from("+-*/%"), inner),
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/%"), inner),
    ),
    max_leaves=5,
)
texts = text_literals | st.sampled_from(TEXT_NAMES)


def chains(operands: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    links = st.lists(st.tuples(COMPARISONS, operands), min_size=1, max_size=3)
    return st.builds(lambda first, rest: first + "".join(f" {op} {item}" for op, item in rest), operands, links)


def memberships(operands: st.SearchStrategy[str], literals: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    choices = st.lists(literals, min_size=1, max_size=3).map(", ".join)
    return st.builds("{} {} [{}]".format, operands, st.sampled_from(["in", "not in"]), choices)


flags = st.builds(
    "{} {} {}".format, st.just("otp_used"), st.sampled_from(["==", "!="]), st.sampled_from(["true", "false"])
)
atoms = st.one_of(
    chains(numbers), chains(texts), memberships(numbers, number_literals | st.just("-1")),
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
        "population": st.fixed_dictionaries(dict.fromkeys(POPULATION_NAMES, values)),
        "texts": st.fixed_dictionaries({name: st.sampled_from([None, "a", "b", "bb"]) for name in TEXT_NAMES}),
        "place": st.fixed_dictionaries({"latitude": maybe, "longitude": maybe}),
        "otp_used": st.sampled_from([None, True, False]),
        "amount": st.sampled_from([0.0, 1.0, 3.0]),
    }
)


@settings(max_examples=500, deadline=None)
@given(conditions, st.lists(moments, min_size=1, max_size=6))
def test_a_compiled_condition_hits_exactly_where_its_brute_force_meaning_is_true(text, moments):
    condition = parse_condition(text, VOCABULARY)
    opposite = parse_condition(f"not ({text})", VOCABULARY)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        matching = compile_rows([(condition, None, True), (opposite, None, False)])
    for moment in moments:
        event = transaction(amount=moment["amount"], otp_used=moment["otp_used"], **moment["texts"], **moment["place"])
        known = {
            **moment["features"], **moment["population"], **moment["texts"], **moment["place"],
            "otp_used": moment["otp_used"], "original_amount": moment["amount"],
        }  # fmt: skip
        expected = truth(text, known)
        assert matching(named(moment["features"]), event, moment["population"]) == (
            [] if expected is None else [expected]
        )
