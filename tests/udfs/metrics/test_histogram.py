"""The duration histogram against sorted lists."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from udfs.metrics.histogram import bucket_of, percentile_ms, upper_nanoseconds

DURATIONS = st.integers(0, 10**12)


@given(DURATIONS)
def test_a_bucket_holds_its_duration_and_is_at_most_an_eighth_wide(nanoseconds: int) -> None:
    bucket = bucket_of(nanoseconds)
    assert nanoseconds <= upper_nanoseconds(bucket) <= nanoseconds * 1.125
    assert bucket_of(upper_nanoseconds(bucket)) == bucket
    assert bucket_of(upper_nanoseconds(bucket) + 1) == bucket + 1


@given(st.lists(DURATIONS, min_size=1), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_percentiles_match_a_sorted_list_within_one_bucket(durations: list[int], share: float) -> None:
    found = percentile_ms(Counter(map(bucket_of, durations)), share)
    rank = next(rank for rank in range(1, len(durations) + 1) if rank >= share * len(durations))
    exact = sorted(durations)[rank - 1]
    assert found is not None
    assert exact <= found * 1e6 + 1e-3 <= exact * 1.125 + 1


def test_an_empty_histogram_has_no_percentile() -> None:
    assert percentile_ms({}, 0.5) is None
