"""Threshold of unusual payments by share of alerts, and the table of left-out patterns."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from models.left_out import FALSE_POSITIVE_RATE, PatternScores, _row, caught_together, left_out_table
from models.train import train
from models.unusual_budget import choose_unusual_above
from tests.models.synthetic import TINY, synthetic_frame


def test_a_tenth_of_all_alerts_are_the_most_unusual_of_the_rest() -> None:
    random = np.random.default_rng(1)
    anomalies = random.permutation(1_000).astype(np.float32)
    is_alert = random.random(1_000) < 0.18
    labels = random.random(1_000) < 0.1
    found = choose_unusual_above(is_alert, anomalies, labels, 0.1)
    alerts = int(is_alert.sum())
    unusual = (anomalies >= found.above) & ~is_alert
    assert unusual.sum() == alerts // 9  # a tenth of all alerts
    assert found.gave == {
        "share_of_alerts": 0.1,
        "alerts_by_score": alerts,
        "unusual": alerts // 9,
        "frauds": int((unusual & labels).sum()),
    }


def test_ties_at_the_threshold_do_not_exceed_the_budget() -> None:
    anomalies = np.array([9, 9, 9, 9, 1, 1, 1, 1, 1, 1], np.float32)
    is_alert = np.zeros(10, bool)
    is_alert[4:] = True
    found = choose_unusual_above(is_alert, anomalies, is_alert, 0.25)  # two unusual with six alerts
    assert found.above is not None
    assert found.above > 9.0
    assert found.gave["unusual"] == 0


@pytest.mark.parametrize(("alerts", "share"), [(0, 0.1), (8, 0.1), (50, 0.0)])
def test_a_budget_below_one_payment_gives_no_threshold(alerts: int, share: float) -> None:
    is_alert = np.arange(100) < alerts
    assert choose_unusual_above(is_alert, np.ones(100, np.float32), is_alert, share).above is None


def test_training_writes_the_threshold_of_its_calibration_slice() -> None:
    trained = train(synthetic_frame(), msgspec.structs.replace(TINY, unusual_share_of_alerts=0.4))
    gave = trained.metrics["blending"]["unusual"]
    assert trained.decision.unusual_above is not None
    assert gave["unusual"] == int(gave["alerts_by_score"] * 0.4 / 0.6 + 1e-9)
    assert (
        train(synthetic_frame(), msgspec.structs.replace(TINY, unusual_share_of_alerts=0.0)).decision.unusual_above
        is None
    )


def scores(frauds: np.ndarray[tuple[int, int], np.dtype[np.float32]]) -> PatternScores:
    """A thousand legitimate payments with three different orders, and frauds."""
    steps = np.arange(1_000)
    legitimate = np.column_stack([steps, (7 * steps) % 1_000, (13 * steps) % 1_000]).astype(np.float32)
    both = np.concatenate([frauds, legitimate])
    return PatternScores("p", np.arange(len(both)) < len(frauds), both, both)


def test_caught_together_respects_both_false_positive_rates() -> None:
    found = scores(np.array([[990, 0, 0], [500, 0, 999], [500, 0, 900], [0, 0, 950]], np.float32))
    legitimate, unusual = found.without[4:], 20
    alerts = legitimate[:, 0] >= 1_000 - (1_000 * FALSE_POSITIVE_RATE - unusual)
    limit = np.sort(legitimate[~alerts, 2])[-unusual]
    assert alerts.sum() == 12
    assert [bool(limit <= anomaly) for anomaly in (999, 900, 950)] == [True, False, False]
    together = caught_together(found.is_pattern, found.without, unusual / 1_000)
    assert together.tolist() == [True, True, False, False]


def test_a_row_of_the_table_has_the_shares_caught_by_each_score() -> None:
    row = _row(scores(np.array([[999, 0, 0], [0, 999, 0], [0, 999, 999], [0, 0, 0]], np.float32)))
    assert (row.frauds, row.trees, row.anomaly, row.ensemble) == (4, 0.5, 0.25, 0.25)
    assert (row.together, row.known_trees, row.known_together) == (0.5, 0.5, 0.5)


def test_a_broken_correlation_is_found_by_anomaly_not_by_trees() -> None:
    rows = left_out_table(synthetic_frame(), msgspec.structs.replace(TINY, epochs=20))
    assert [row.pattern for row in rows] == ["odd_balance", "takeover"]
    assert rows[0].anomaly > rows[0].trees + 0.2
    assert rows[0].together > rows[0].trees
    assert rows[0].known_trees > rows[0].trees
