"""Parts of the charts: time bins, thinned curves, confidence intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from reporting.charts.alerts_over_time import MOST_BINS, MOST_TICKS, bins_of
from reporting.charts.curve import thinned
from udfs.records.codec import MAX_TIMESTAMP_MS
from udfs.values.wilson import wilson_interval

HOUR_MS = 3_600_000


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, MAX_TIMESTAMP_MS), min_size=1, max_size=5))
def test_time_bins_cover_all_times_and_are_bounded_in_number(times_ms: list[int]) -> None:
    bins = bins_of(np.array(times_ms))
    assert bins.edges[0] <= min(times_ms)
    assert max(times_ms) < bins.edges[-1]
    assert 2 <= len(bins.edges) <= MOST_BINS + 1
    assert len(set(np.diff(bins.edges).tolist())) == 1
    assert len(bins.ticks) <= MOST_TICKS
    assert all(bins.edges[0] <= tick < bins.edges[-1] for tick in bins.ticks)


@pytest.mark.parametrize(
    ("days", "label", "bins"),
    [(0, "hour", 1), (7, "hour", 169), (8, "6 hours", 33), (43, "day", 44), (400, "7 days", 58)],
)
def test_the_shortest_bin_width_that_fits_is_chosen(days: int, label: str, bins: int) -> None:
    made = bins_of(np.array([0, days * 24 * HOUR_MS]))
    assert (made.label, len(made.edges) - 1) == (label, bins)


def test_a_short_curve_is_unchanged() -> None:
    x, y = np.arange(5.0), np.arange(5.0)
    assert thinned(x, y) == (x, y)


def test_a_thinned_curve_keeps_its_ends_and_stays_close_to_the_original() -> None:
    x = np.linspace(0.0, 1.0, 100_001)
    y = np.sqrt(x)
    few_x, few_y = thinned(x, y)
    assert len(few_x) <= 302
    assert (few_x[0], few_y[0], few_x[-1], few_y[-1]) == (0.0, 0.0, 1.0, 1.0)
    assert np.abs(np.interp(x, few_x, few_y) - y).max() < 0.005


@pytest.mark.parametrize(("frauds", "rows"), [(0, 10), (1, 1), (3, 7), (5, 10_000), (9_999, 10_000)])
def test_wilson_intervals_equal_scipy(frauds: int, rows: int) -> None:
    expected = binomtest(frauds, rows).proportion_ci(method="wilson")
    low, high = wilson_interval(frauds, rows)
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-6)
