"""Signals: steps and their trees, tails of legitimate payments, strong signals of known shape."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from models.detectors import with_signals
from models.scoring_graph import run_scoring_graph, scoring_graph
from models.signals import NOTHING, TAILS, WEIGHT, Signals, Strong, fit_each
from models.steps import Steps
from models.strong_signals import CORRECTION, STRONG_TAILS, fit_strong
from models.trees import read_forest
from tests.models.synthetic import awkward_rows
from tests.models.test_scoring_graph import BLEND, WIDTH, booster, detectors
from udfs.scoring.ensemble import UNUSUAL_DEVIATIONS

Matrix = npt.NDArray[np.float32]
ROWS = 20_000
SPREAD = np.linspace(0.0, 1.0 / 0.48, ROWS)
"""From the median to the .98 quantile it is 1."""


def of(*bounds: float) -> Matrix:
    return np.array(bounds, np.float32)


NESTED = Steps(
    1,
    of(0.0, 2.5, 1e9),
    (-1.0, Steps(0, of(-3.0, 0.0), (4.0, 5.0, 6.0), unknown_is_first=False), 2.0, Steps(2, of(1.0), (7.0, 8.0))),
)


def nested(row: Matrix) -> float:
    """NESTED, written out."""
    first, second, third = row.tolist()
    if math.isnan(second) or second < 0.0:
        return -1.0
    if second < 2.5:
        return 6.0 if math.isnan(first) or first >= 0.0 else 5.0 if first >= -3.0 else 4.0
    if second < 1e9:
        return 2.0
    return 8.0 if third >= 1.0 else 7.0


def test_steps_count_where_the_values_of_their_columns_are() -> None:
    rows = awkward_rows(5_000, 3)
    assert NESTED.values(rows).tolist() == [nested(row) for row in rows]


def test_the_graph_gives_signals_as_numpy_does() -> None:
    random = np.random.default_rng(4)
    rows = awkward_rows(3_000, WIDTH)
    each = tuple(
        Steps(column, np.sort(random.normal(size=4)).astype(np.float32), tuple(random.random(5)), column % 2 == 0)
        for column in range(8)
    )
    told = random.random((2, WIDTH)).astype(np.float32)
    strong = (Strong(NESTED, told[0]), Strong(Steps(5, of(0.0), (NOTHING, 3.0)), told[1]))
    both = replace(detectors(), signals=Signals(each, strong))
    result = run_scoring_graph(scoring_graph(read_forest(booster()), both, BLEND), rows)
    np.testing.assert_allclose(np.log(result[:, 2]), both.log_anomalies(rows), atol=2e-4)
    without = replace(both, signals=Signals(each)).log_anomalies(rows)
    errors = np.nan_to_num(both.autoencoder.squared_errors(rows), nan=0.0)
    given = np.maximum(np.column_stack([signal.steps.values(rows) for signal in strong]), 0.0)
    np.testing.assert_allclose(result[:, 3:], errors + given @ told, rtol=1e-3, atol=1e-3)
    assert (both.log_anomalies(rows) > without).any()
    np.testing.assert_array_equal(
        both.log_anomalies(rows), np.clip(np.maximum(without, np.maximum(both.signals.strongest(rows), -40)), -40, 40)
    )


@pytest.mark.parametrize("size", [1, 3, 8, 31])
def test_a_row_gives_the_same_bits_in_any_batch_with_signals(size: int) -> None:
    rows = awkward_rows(500, WIDTH)
    both = replace(
        detectors(),
        signals=Signals((NESTED,), (Strong(Steps(5, of(0.0), (NOTHING, 3.0)), np.ones(WIDTH, np.float32)),)),
    )
    graph = scoring_graph(read_forest(booster()), both, BLEND)
    parts = [run_scoring_graph(graph, rows[start : start + size]) for start in range(0, len(rows), size)]
    assert np.concatenate(parts).tobytes() == run_scoring_graph(graph, rows).tobytes()


NAMES = ("km_from_home", "seconds_since_last", "is_new_device", "weekday", "category_fraud_rate_7d", "user_age_years")


def test_values_that_few_legitimate_payments_reach_are_signals_in_their_direction() -> None:
    random = np.random.default_rng(2)
    features = np.column_stack([
        np.exp(random.normal(3, 2, ROWS)),
        random.exponential(10_000, ROWS),
        random.random(ROWS) < 0.004,
        random.integers(0, 7, ROWS),
        random.random(ROWS) / 50,
        random.integers(18, 90, ROWS),
    ]).astype(np.float32)  # fmt: skip
    features[::10, :2] = np.nan
    found = {NAMES[steps.column]: steps for steps in fit_each(features, NAMES, SPREAD)}
    assert set(found) == {"km_from_home", "seconds_since_last", "is_new_device"}
    for name, direction in (("km_from_home", 1), ("seconds_since_last", -1)):
        given = found[name].values(features)
        assert (given[::10] == 0.0).all()
        for tail in TAILS[1:]:
            least = WEIGHT * math.log(TAILS[0] / tail)
            assert int((given >= least - 1e-12).sum()) == int(tail * ROWS)
        order = np.argsort(direction * np.nan_to_num(features[:, found[name].column], nan=-direction * 1e30))
        assert (np.diff(given[order]) >= 0.0).all()
    assert found["is_new_device"].values(of(0, 0, 1, 0, 0, 0)[None])[0] == pytest.approx(WEIGHT * math.log(2))


def test_values_beyond_all_legitimate_ones_give_the_strongest_signal() -> None:
    features = np.full((ROWS, 1), 150.0, np.float32)
    (steps,) = fit_each(features, ("km_from_home",), SPREAD)
    assert steps.values(of(150.0, 150.1)[:, None]).tolist() == [
        0.0,
        pytest.approx(WEIGHT * math.log(TAILS[0] / TAILS[-1])),
    ]


def test_features_that_never_give_a_signal_or_are_rarely_known_have_none() -> None:
    assert (
        fit_each(np.full((ROWS, 1), 3.0, np.float32), ("km_from_home",), SPREAD) == ()
    )  # 100 km is the least that tells
    assert fit_each(np.full((ROWS, 1), np.nan, np.float32), ("km_from_home",), SPREAD) == ()
    assert fit_each(np.full((50, 1), 150.0, np.float32), ("km_from_home",), SPREAD[:50]) == ()


STRONG = (
    "amount_vs_received_1d", "is_new_beneficiary", "merchant_frauds_reported_7d", "merchant_txn_count_7d",
    "account_age_days", "amount_category_zscore",
)  # fmt: skip
USUAL = of(np.nan, np.nan, 0, 40, 900, 0.1)


def payments() -> Matrix:
    """Legitimate payments: a hundredth pass money on, some merchants have a report, some accounts are new."""
    random = np.random.default_rng(3)
    sends = random.random(ROWS) < 0.1
    received = sends & (random.random(ROWS) < 0.1)
    return np.column_stack([
        np.where(received, np.exp(random.normal(-1.5, 1.2, ROWS)), np.nan),
        np.where(sends, random.random(ROWS) < 0.2, np.nan),
        random.poisson(0.05, ROWS),
        random.integers(10, 400, ROWS),
        random.integers(1, 2_000, ROWS),
        random.normal(0, 1, ROWS),
    ]).astype(np.float32)  # fmt: skip


def test_strong_signals_rise_with_their_rarity_and_are_nothing_for_most_payments() -> None:
    random = np.random.default_rng(5)
    log_anomalies = random.normal(0, 1, ROWS)
    legitimate = payments()
    deviations = np.arange(1.0, len(STRONG) + 1.0)
    strong = fit_strong(legitimate, STRONG, log_anomalies, deviations)
    assert [np.flatnonzero(signal.told).tolist() for signal in strong] == [[0], [2], [4, 5]]
    for signal in strong:
        np.testing.assert_allclose(signal.told[signal.told > 0], UNUSUAL_DEVIATIONS * deviations[signal.told > 0])
    passed, reports, new = (signal.steps for signal in strong)

    def value(steps: Steps, **changes: float) -> float:
        row = USUAL.copy()
        for name, changed in changes.items():
            row[STRONG.index(name)] = changed
        return float(steps.values(row[None])[0])

    strongest = float(np.quantile(log_anomalies, 1 - CORRECTION * STRONG_TAILS[-1]))
    assert value(passed, amount_vs_received_1d=1.0, is_new_beneficiary=1.0) == pytest.approx(strongest)
    assert value(passed, amount_vs_received_1d=1.0, is_new_beneficiary=0.0) == pytest.approx(strongest)
    assert value(passed, amount_vs_received_1d=1.0) == NOTHING  # not a transfer
    for ratio in (0.1, 0.49, 2.05, 30.0, np.nan):
        assert value(passed, amount_vs_received_1d=ratio, is_new_beneficiary=1.0) == NOTHING
    assert value(passed, amount_vs_received_1d=0.8, is_new_beneficiary=1.0) == pytest.approx(
        value(passed, amount_vs_received_1d=1.25, is_new_beneficiary=1.0)
    )
    assert value(reports, merchant_frauds_reported_7d=8.0, merchant_txn_count_7d=12.0) == pytest.approx(strongest)
    assert value(reports, merchant_frauds_reported_7d=8.0, merchant_txn_count_7d=4_000.0) == NOTHING
    assert value(reports) == value(reports, merchant_frauds_reported_7d=np.nan) == NOTHING
    assert value(new, account_age_days=5.0, amount_category_zscore=6.0) == pytest.approx(strongest)
    assert value(new, account_age_days=45.0, amount_category_zscore=6.0) == NOTHING
    assert value(new, account_age_days=5.0, amount_category_zscore=np.nan) == NOTHING
    for steps in (passed, reports, new):
        given = steps.values(legitimate)
        assert 0 < int((given > NOTHING).sum()) <= STRONG_TAILS[0] * ROWS + 1
        assert steps.values(np.full((1, len(STRONG)), np.nan, np.float32)).tolist() == [NOTHING]


def test_strong_signals_need_their_features() -> None:
    assert len(fit_strong(payments()[:, :2], STRONG[:2], np.zeros(ROWS), np.ones(2))) == 1
    assert fit_strong(payments()[:, :1], STRONG[:1], np.zeros(ROWS), np.ones(1)) == ()


def test_detectors_without_such_features_stay_as_they_are() -> None:
    rows = awkward_rows(1_000, WIDTH)
    both = detectors()
    given = with_signals(both, rows, [f"column_{number}" for number in range(WIDTH)], np.ones(WIDTH))
    np.testing.assert_array_equal(given.log_anomalies(rows), both.log_anomalies(rows))
