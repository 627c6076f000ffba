"""Conditions over columns: the same truth for every row as for the single transaction, for random conditions and values."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.udfs.rules.conditions import FEATURES
from tests.udfs.rules.test_rule_language_random import (
    TEXT_NAMES,
    WINDOWS,
    conditions,
    event_of,
    known_of,
    moments,
    values_at,
)
from tests.udfs.rules.three_valued import truth
from udfs.core import _native
from udfs.records.outputs import ACTIONS
from udfs.rules.column_rules import ColumnRules, Hits, Predictions, Texts, judged, population_numbers
from udfs.rules.names import POPULATION_NAMES
from udfs.rules.population import Population
from udfs.rules.rule_set import Rule, RuleSet
from udfs.rules.rulebook import Rulebook
from udfs.scoring.bundle import DecisionModel
from udfs.scoring.decider import judge_of
from udfs.scoring.decision_settings import DecisionSettings

CODES = {0: False, 1: None, 2: True}
ROWS = 40
NUMBER_NAMES = (
    *FEATURES,
    *POPULATION_NAMES,
    *WINDOWS,
    "latitude",
    "longitude",
    "original_amount",
    "otp_used",
    "timestamp",
)


def columns_of(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Texts]]:
    known = [known_of(row) for row in rows]
    numbers = {name: np.array([one[name] for one in known], dtype=float) for name in NUMBER_NAMES}
    texts = {}
    for name in TEXT_NAMES:
        dictionary = sorted({one[name] for one in known} - {None})
        codes = [-1 if one[name] is None else dictionary.index(one[name]) for one in known]
        texts[name] = Texts(np.array(codes, np.int32), dictionary)
    return numbers, texts


def check_truths(text: str, rows: list[dict[str, Any]]) -> None:
    codes = _native.condition_truths(text, list(FEATURES), len(rows), *columns_of(rows))
    for code, moment in zip(codes, rows, strict=True):
        assert CODES[code] is _native.condition_truth(
            text, list(FEATURES), values_at(moment), event_of(moment), moment["population"]
        )


@settings(max_examples=1_500, deadline=None)
@given(conditions, st.lists(moments, min_size=1, max_size=8))
def test_a_condition_says_the_same_of_columns_as_of_single_transactions(text, rows):
    check_truths(text, rows)
    codes = _native.condition_truths(text, list(FEATURES), len(rows), *columns_of(rows))
    assert [CODES[code] for code in codes] == [truth(text, known_of(moment)) for moment in rows]


@pytest.mark.long
@pytest.mark.timeout(900)
@settings(max_examples=25_000, deadline=None)
@given(conditions, st.integers(0, 2**32))
def test_a_million_rows_have_the_same_truths(text, seed):
    check_truths(text, [random_moment(Random(seed + row)) for row in range(ROWS)])


def random_moment(random: Random) -> dict[str, Any]:
    """As the strategy `moments` makes them, but faster."""
    values = [float("nan"), 0.0, -0.0, 1.0, 2.0, 0.5, -1.0, float("inf"), float("-inf"), 5e-324, 1.7e308]
    return {
        "features": {name: random.choice(values) for name in FEATURES},
        "population": {name: random.choice(values) for name in (*POPULATION_NAMES, *WINDOWS)},
        "texts": {name: random.choice([None, "a", "b", "bb"]) for name in TEXT_NAMES},
        "place": {name: random.choice([None, 0.0, 1.0, 45.5]) for name in ("latitude", "longitude")},
        "otp_used": random.choice([None, True, False]),
        "amount": random.choice([0.0, 1.0, 3.0]),
    }


def rules_of(texts: list[str], tiers: list[str | None], actions: list[str | None]) -> RuleSet:
    made = zip(texts, tiers, actions, strict=False)
    rules = [
        Rule(f"r{number}", 5 * number + 5, text, "made", tier, action, enabled=number != 3)
        for number, (text, tier, action) in enumerate(made)
    ]
    return RuleSet("made", 1, ((0, 0), (40, 600), (120, 1000)), tuple(rules))


tiers = st.lists(st.sampled_from([None, "a", "b"]), min_size=8, max_size=8)
actions = st.lists(st.sampled_from([None, None, *ACTIONS[1:]]), min_size=8, max_size=8)
predictions = st.tuples(st.floats(0, 1), st.sampled_from([0.5, 1.0, 3.0]), st.floats(0, 1), st.booleans())


@settings(max_examples=300, deadline=None)
@given(
    st.lists(conditions, min_size=1, max_size=8), tiers, actions,
    st.lists(st.tuples(moments, predictions), min_size=1, max_size=12),
)  # fmt: skip
def test_hits_points_and_actions_of_columns_are_those_of_the_scorer(texts, tiers, actions, rows):
    rule_set = rules_of(texts, tiers, actions)
    rules, rulebook = ColumnRules(rule_set, FEATURES), Rulebook(rule_set, FEATURES)
    model = DecisionModel(model_weight=1.1, offset=0.2, coverage_floor=0.3, unusual_above=2.0, refer_above=200)
    judge = judge_of(DecisionSettings(), model, rulebook)
    hits = rules.evaluate(len(rows), *columns_of([moment for moment, _ in rows]))
    made = np.array([(p, anomaly, coverage) for _, (p, anomaly, coverage, _) in rows])
    blocked = np.array([row[1][3] for row in rows])
    found, scores = judged(judge, rulebook, hits, Predictions(*made.T, blocked))
    for row, (moment, (probability, anomaly, coverage, is_blocked)) in enumerate(rows):
        result = rulebook.evaluate(values_at(moment), event_of(moment), moment["population"])
        places = hits.places[hits.starts[row] : hits.starts[row + 1]].tolist()
        assert [rule_set.rules[place] for place in places] == result.hits
        assert hits.points[row] == result.points
        _, score, action, *_ = judge.judge(
            (probability, 0.0, anomaly, coverage), result.points, places, rulebook.core, is_blocked
        )
        assert (ACTIONS[found[row]], scores[row]) == (action, score)


def test_columns_that_do_not_fit_are_refused() -> None:
    rules = ColumnRules(rules_of(["amount > 1", 'city == "a"'], [None] * 2, [None] * 2), FEATURES)
    assert (rules.number_names, rules.text_names) == (("amount",), ("city",))
    city = Texts(np.zeros(2, np.int32), ["a"])
    with pytest.raises(ValueError, match="a column has 3 rows, not 2"):
        rules.evaluate(2, {"amount": np.zeros(3)}, {"city": city})
    with pytest.raises(ValueError, match="a code has no text"):
        rules.evaluate(2, {"amount": np.zeros(2)}, {"city": Texts(np.array([0, 1], np.int32), ["a"])})
    with pytest.raises(KeyError):
        rules.evaluate(2, {}, {"city": city})
    assert rules.evaluate(0, {"amount": np.zeros(0)}, {"city": Texts(np.zeros(0, np.int32), [])}).starts.tolist() == [0]


def test_rows_beyond_one_block_are_evaluated_alike() -> None:
    rule_set = rules_of(["amount > 5000", "not is_new"], [None, None], [None, None])
    amounts = np.arange(12_345, dtype=float)
    is_new = np.where(amounts % 7 == 0, 0.0, np.nan)
    hits = ColumnRules(rule_set, FEATURES).evaluate(len(amounts), {"amount": amounts, "is_new": is_new}, {})
    expected = [[0] * (row > 5000) + [1] * (row % 7 == 0) for row in range(len(amounts))]
    assert hits.places.tolist() == [place for places in expected for place in places]
    assert hits.rows.tolist() == [row for row, places in enumerate(expected) for _ in places]
    assert hits.points.tolist() == [sum(5 * place + 5 for place in places) for places in expected]


def test_population_figures_of_columns_are_those_of_single_transactions() -> None:
    figures = {"population_amount_p95": 900.0, "population_fraud_rate": 0.01}
    core = _native.PopulationFigures([(1_000, figures, {"Oslo": 0.2}), (2_000, {}, {})])
    times, cities = np.array([999, 1_000, 1_999, 2_000]), Texts(np.array([0, 0, -1, 1], np.int32), ["Oslo", "Rome"])
    columns = population_numbers(core, times, cities)
    for row, (time_ms, city) in enumerate(zip(times.tolist(), ["Oslo", "Oslo", None, "Rome"], strict=True)):
        for name, value in core.at(time_ms, city):
            np.testing.assert_equal(columns[name][row], value)
    assert all(np.isnan(column).all() for column in population_numbers(Population().core, times, cities).values())


def test_no_rules_hit_nothing() -> None:
    none = Hits.none(3)
    assert (none.starts.tolist(), none.points.tolist(), none.rows.tolist()) == ([0, 0, 0, 0], [0, 0, 0], [])
