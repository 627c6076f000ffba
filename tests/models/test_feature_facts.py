"""Importance, quantiles and shares of known groups, compared with their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import xgboost as xgb

from models.feature_facts import facts_of, group_known, importance_of, quantiles_of
from models.trees import read_forest
from tests.models.synthetic import GROUPS, NAMES, synthetic_frame

FRAME = synthetic_frame(2_000)
PARAMETERS = {"objective": "binary:logistic", "max_depth": 4, "nthread": 1}
BOOSTER = xgb.train(PARAMETERS, xgb.DMatrix(FRAME.features, FRAME.labels, nthread=1), 30)


def test_importance_is_the_share_of_xgboosts_own_path_contributions() -> None:
    contributions = BOOSTER.predict(xgb.DMatrix(FRAME.features, nthread=1), pred_contribs=True, approx_contribs=True)
    expected = np.abs(contributions[:, :-1]).mean(axis=0)
    np.testing.assert_allclose(
        importance_of(read_forest(BOOSTER), FRAME.features), expected / expected.sum(), atol=1e-4
    )


def test_without_splits_all_features_have_equal_importance() -> None:
    stumps = xgb.train({**PARAMETERS, "gamma": 1e9}, xgb.DMatrix(FRAME.features, FRAME.labels, nthread=1), 3)
    assert importance_of(read_forest(stumps), FRAME.features) == (1 / 12,) * 12


def test_quantiles_are_those_of_the_known_finite_values() -> None:
    features = FRAME.features.copy()
    features[::7, 0] = np.inf
    found = quantiles_of(features)
    for place, name in enumerate(NAMES):
        values = features[np.isfinite(features[:, place]), place].astype(np.float64)
        if name == "never_known":
            assert found[place] == (None,) * 7
        else:
            expected = np.quantile(values, [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
            assert found[place] == pytest.approx(expected.tolist())


def test_a_group_is_known_where_one_of_its_features_is() -> None:
    rows = np.flatnonzero(FRAME.timestamps_ms > np.median(FRAME.timestamps_ms))
    known = group_known(FRAME, rows)
    for group, places in GROUPS.items():
        expected = np.mean([any(not np.isnan(FRAME.features[row, place]) for place in places) for row in rows])
        assert known[group] == pytest.approx(expected)
    assert known["location"] < 1.0


def test_quantiles_are_over_legitimate_rows() -> None:
    rows = np.arange(2_000)
    facts = facts_of(FRAME, rows, read_forest(BOOSTER), seed=0)
    legitimate = FRAME.features[~FRAME.labels, 0].astype(np.float64)
    assert facts.quantiles[0][3] == pytest.approx(np.median(legitimate))
    assert sum(facts.importance) == pytest.approx(1.0)
