"""A condition part by part: the core's truth of each, joined again by hand, is the core's truth of the whole."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.condition_parts import Inputs, Part, parts_of
from tests.udfs.rules.conditions import FEATURES, transaction
from udfs.core import _native
from udfs.rules.expressions import parse_condition

NAN = float("nan")


def inputs(*features: float, **fields: object) -> Inputs:
    return Inputs(FEATURES, features, transaction(**fields), {})


def shown(parts: list[Part]) -> list[tuple[int, str, bool | None, dict[str, object]]]:
    return [(part.depth, part.text, part.truth, dict(part.values)) for part in parts]


def test_parts_of_parts_are_shown_with_the_values_that_they_read() -> None:
    found = parts_of(
        "amount > 100 and (ratio >= 3 or is_new == 1) and merchant_country in ['NG', 'US']",
        inputs(250.0, 10.0, 2.5, 1.0, NAN, NAN, merchant_country="NG"),
    )
    assert shown(found) == [
        (0, "amount > 100", True, {"amount": 250.0}),
        (0, "(ratio >= 3) or (is_new == 1)", True, {"ratio": 2.5, "is_new": 1.0}),
        (1, "ratio >= 3", False, {"ratio": 2.5}),
        (1, "is_new == 1", True, {"is_new": 1.0}),
        (0, 'merchant_country in ["NG", "US"]', True, {"merchant_country": "NG"}),
    ]
    (part,) = parts_of("km > 5", inputs(*[NAN] * 6))
    assert (part.truth, part.values) == (None, {"km": None})


CLAUSES = st.sampled_from(["amount > 100", "ratio > 2", "is_new == 1", "count + km > 3", "not (average < 5)"])
CONDITIONS = st.recursive(
    CLAUSES,
    lambda inner: st.tuples(st.sampled_from(["and", "or"]), inner, inner).map(
        lambda one: f"({one[1]}) {one[0]} ({one[2]})"
    ),
    max_leaves=6,
)
VALUES = st.sampled_from([NAN, 0.0, 1.0, 2.5, 150.0])


@given(CONDITIONS, st.tuples(*[VALUES] * 6))
def test_the_parts_of_the_first_level_make_the_whole(condition: str, features: tuple[float, ...]) -> None:
    given_inputs = inputs(*features)
    whole = _native.condition_truth(condition, list(FEATURES), list(features), given_inputs.event, {})
    outer = [part.truth for part in parts_of(condition, given_inputs) if part.depth == 0]
    tree = type(parse_condition(condition, FEATURES)).__name__
    if tree == "AllOf":
        joined = False if False in outer else None if None in outer else True
    elif tree == "AnyOf":
        joined = True if True in outer else None if None in outer else False
    else:
        (joined,) = outer
    assert joined == whole
