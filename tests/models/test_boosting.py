"""Boosting: reading in blocks, reproducibility with two threads, and early stopping."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
import xgboost as xgb
from sklearn.metrics import average_precision_score

from models import boosting as module
from models.boosting import NO_GAIN, LearningRows, fit_boosting
from models.sparse_views import draw_sparse_rows
from tests.models.synthetic import GROUPS, NAMES, TINY, synthetic_frame

FRAME = synthetic_frame(4_000)
ROWS = np.arange(2_500)
LATER = np.arange(2_500, 4_000)


def learned(sparse_share: float = 0.0, weight: float = 0.5) -> LearningRows:
    copies = draw_sparse_rows(ROWS, GROUPS, GROUPS, sparse_share, len(NAMES), seed=1)
    return LearningRows(FRAME.features, FRAME.labels, ROWS, copies, weight)


def test_rows_alone_give_the_trees_of_xgboost_on_the_same_matrix() -> None:
    found = fit_boosting(learned(), TINY)
    columns = [place for place, name in enumerate(NAMES) if name not in ("always_one", "never_known")]
    assert found.columns.tolist() == columns
    matrix = xgb.QuantileDMatrix(FRAME.features[ROWS][:, columns], FRAME.labels[ROWS], max_bin=TINY.max_bin, nthread=1)
    expected = xgb.train(
        {
            "objective": "binary:logistic", "tree_method": "hist", "base_score": 0.5, "max_bin": TINY.max_bin,
            "max_depth": TINY.depth, "eta": TINY.learning_rate, "colsample_bytree": TINY.column_fraction,
            "lambda": 1.0, "seed": 0, "nthread": 1,
        },
        matrix,
        TINY.trees,
    )  # fmt: skip
    margins = expected.predict(xgb.DMatrix(FRAME.features[:, columns], nthread=1), output_margin=True)
    np.testing.assert_allclose(found.margins(FRAME.features), margins, atol=1e-5)


def test_sparse_copies_count_as_weighted_rows() -> None:
    given = learned(0.5)
    found = fit_boosting(given, TINY)
    assert given.sparse is not None
    copies = given.sparse.features(FRAME.features, 0, len(given.sparse))
    both = np.concatenate([FRAME.features[ROWS], copies])
    labels = np.concatenate([FRAME.labels[ROWS], FRAME.labels[given.sparse.rows]])
    together = fit_boosting(LearningRows(both, labels, np.arange(len(both))), TINY)
    weightless = fit_boosting(learned(0.5, weight=0.0), TINY)
    alone = fit_boosting(learned(), TINY)
    whole = fit_boosting(learned(0.5, weight=1.0), TINY)
    rows = FRAME.features[LATER]
    np.testing.assert_allclose(weightless.margins(rows), alone.margins(rows), atol=0.3)
    np.testing.assert_allclose(whole.margins(rows), together.margins(rows), atol=1e-4)
    assert np.abs(found.margins(rows) - alone.margins(rows)).max() > 0.1


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_small_blocks_give_equally_good_and_repeatable_trees(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = fit_boosting(learned(share), TINY).margins(FRAME.features[LATER])
    monkeypatch.setattr(module, "BLOCK_ROWS", 300)
    first, again = (fit_boosting(learned(share), TINY) for _ in range(2))
    assert bytes(first.booster.save_raw()) == bytes(again.booster.save_raw())
    labels = FRAME.labels[LATER]
    in_blocks = average_precision_score(labels, first.margins(FRAME.features[LATER]))
    assert in_blocks == pytest.approx(average_precision_score(labels, whole), abs=0.03)


def test_two_threads_give_the_bytes_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = msgspec.structs.replace(TINY, row_fraction=0.7, depth=6)
    raw = []
    for threads in (1, 2, 2, 2):
        monkeypatch.setattr(module, "THREADS", threads)
        raw.append(bytes(fit_boosting(learned(0.5), settings).booster.save_raw("json")))
    assert len(set(raw)) == 1


def test_growing_stops_when_later_days_gain_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEAST_TREES", 1)
    settings = msgspec.structs.replace(TINY, trees=400, learning_rate=0.3, depth=6)
    later = LearningRows(FRAME.features, FRAME.labels, LATER)
    found = fit_boosting(learned(), settings, later=later)
    assert 1 < found.trees < 200
    everything = fit_boosting(learned(), settings)
    labels, rows = FRAME.labels[LATER], FRAME.features[LATER]
    reached = average_precision_score(labels, found.margins(rows))
    matrix = xgb.DMatrix(rows[:, everything.columns], nthread=1)
    by_count = [
        average_precision_score(labels, everything.booster.predict(matrix, iteration_range=(0, count)))
        for count in range(1, found.trees + 40, 3)
    ]
    assert reached > max(by_count) - NO_GAIN - 0.005  # XGBoost's aucpr uses trapezoids
    assert found.trees == fit_boosting(learned(), settings, later=later).trees
