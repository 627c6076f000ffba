"""What a console measures: shares of answers within a time, rates, checkpoints on disk, and an hour of samples."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from console.api.metrics import LATENCY_BUCKETS_SECONDS, ApiMetrics
from console.measured import Measured, Sample, percentiles, rate_series
from console.store.errors import StoreUnavailable
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events


def sample(metrics: ApiMetrics, at_ms: int = 0) -> Sample:
    made = Measured(metrics, lambda: 3, lambda: 0.25, lambda: at_ms).samples()
    assert len(made) == 1
    return made[0]


@given(st.lists(st.floats(0.0001, 29.0), min_size=1, max_size=60))
def test_the_told_times_hold_for_their_shares_of_the_answers(seconds: list[float]) -> None:
    metrics = ApiMetrics()
    metrics.answered("POST", "/v1/decisions", 200, 0.004)  # before the first sample: does not count
    first = sample(metrics)
    for one in seconds:
        metrics.answered("POST", "/v1/decisions", 200, one)
    metrics.answered("GET", "/v1/decisions/{decision_id}", 200, 20.0)  # no decision
    told = percentiles([first, sample(metrics)], LATENCY_BUCKETS_SECONDS)
    assert told is not None
    assert told.answers == len(seconds)
    for share, within_ms in ((0.5, told.p50_ms), (0.95, told.p95_ms), (0.99, told.p99_ms)):
        assert within_ms is not None
        limit = within_ms / 1_000
        assert sum(one <= limit for one in seconds) >= share * len(seconds)
        below = max((bound for bound in LATENCY_BUCKETS_SECONDS if bound < limit), default=0.0)
        assert sum(one <= below for one in seconds) < share * len(seconds)  # no shorter time holds


def test_answers_longer_than_all_limits_have_no_time() -> None:
    metrics = ApiMetrics()
    first = sample(metrics)
    metrics.answered("POST", "/predict", 200, 31.0)
    told = percentiles([first, sample(metrics)], LATENCY_BUCKETS_SECONDS)
    assert told is not None
    assert (told.answers, told.p50_ms, told.p99_ms) == (1, None, None)


def test_without_answers_there_are_no_shares() -> None:
    assert percentiles([], LATENCY_BUCKETS_SECONDS) is None
    assert percentiles([sample(ApiMetrics()), sample(ApiMetrics())], LATENCY_BUCKETS_SECONDS) is None


def test_rates_are_counts_by_time_and_end_at_a_new_beginning() -> None:
    blank = sample(ApiMetrics())
    counts = [(0, 0), (10_000, 500), (20_000, 700), (30_000, 40), (40_000, 90), (40_100, 91)]
    samples = [msgspec.structs.replace(blank, at_ms=at_ms, written=count) for at_ms, count in counts]
    assert rate_series(samples, lambda one: one.written) == [(10_000, 50.0), (20_000, 20.0), (40_000, 5.0)]
    assert rate_series(samples, lambda one: None) == []


def test_a_sample_has_what_was_counted_and_what_is_waiting() -> None:
    metrics = ApiMetrics()
    metrics.store_written.inc(7)
    metrics.fallbacks.labels("refer").inc(2)
    metrics.fallbacks.labels("allow").inc()
    made = sample(metrics, at_ms=99)
    assert (made.at_ms, made.written, made.fallbacks, made.store_lag, made.reply_lag_ms) == (99, 7, 3, 3, 250)


def test_a_lag_that_is_not_known_is_none() -> None:
    def no_store() -> int:
        raise StoreUnavailable("away")

    (made,) = Measured(ApiMetrics(), no_store, lambda: None, lambda: 0).samples()
    assert (made.store_lag, made.reply_lag_ms, made.checkpoint, made.cluster) == (None, None, None, None)


def test_the_newest_complete_checkpoint_on_disk_is_told(configure: Configure, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    source = write_events(tmp_path / "events.jsonl", event_lines(5))
    job = configure(source, state={"checkpoint_dir": str(folder), "backend": "rocksdb"})

    def told() -> Any:
        return Measured(ApiMetrics(), lambda: None, lambda: None, lambda: 0, job).samples()[-1].checkpoint

    assert told() is None
    for number, seconds in ((4, 2_000), (5, 3_000)):
        chosen = folder / "job" / f"chk-{number}"
        chosen.mkdir(parents=True)
        (chosen / "_metadata").write_bytes(b"")
        os.utime(chosen / "_metadata", (seconds, seconds))
    (folder / "job" / "chk-6").mkdir()  # not complete
    assert told() == ("chk-5", 3_000_000)
