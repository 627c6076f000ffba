"""What a console measures by itself, a sample every ten seconds of the last hour; and what Flink's REST interface tells.

Alarms belong to Prometheus (docs/metrics.md): this is what the page System shows.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import msgspec

from console.api.metrics import ApiMetrics
from console.flink_rest import ClusterJob, FlinkError, FlinkRest
from console.repeating import Repeating
from console.store.errors import StoreUnavailable
from jobs.config.checkpoints import METADATA, newest_checkpoint
from jobs.config.job import JobConfig

SAMPLE_SECONDS = 10.0
KEPT = 361
"""Samples of an hour, and the one before."""
STOP_SECONDS = 5.0
"""What still asks then ends with the process."""
LEAST_MS = 1_000
"""Between two samples of a rate."""
DECIDING_ROUTES = ("/v1/decisions", "/api/check-fraud", "/predict")

_log = logging.getLogger(__name__)


class DiskCheckpoint(NamedTuple):
    """The newest complete checkpoint in the job's folder of checkpoints."""

    name: str
    at_ms: int


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured at one moment; counts are since the start of this process. `written`: records that its intake has
    written to the store. `store_lag`: records that are not there yet. `answer_counts`: decisions answered within each of
    LATENCY_BUCKETS_SECONDS, and in all. None is not known, or not done here."""

    at_ms: int
    written: int
    store_lag: int | None
    reply_lag_ms: int | None
    answer_counts: tuple[int, ...]
    fallbacks: int
    checkpoint: DiskCheckpoint | None = None
    cluster: ClusterJob | None = None
    cluster_trouble: str | None = None


class Percentiles(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions answered, and within how many milliseconds these shares of them were; None: longer than is told apart."""

    answers: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class Measured:
    """Takes samples in a thread of its own; the other methods may be called from any thread."""

    def __init__(
        self,
        metrics: ApiMetrics,
        store_lag: Callable[[], int | None],
        reply_lag_seconds: Callable[[], float | None],
        now_ms: Callable[[], int],
        job: JobConfig | None = None,
        flink: FlinkRest | None = None,
    ) -> None:
        """`job`: that runs beside this console, if one does; `flink`: its cluster."""
        self._metrics = metrics
        self._store_lag = store_lag
        self._reply_lag_seconds = reply_lag_seconds
        self._job = job
        self._flink = flink
        self._now_ms = now_ms
        self._samples: deque[Sample] = deque(maxlen=KEPT)
        self._repeating = Repeating("the measuring of the console", self._take, SAMPLE_SECONDS)

    @property
    def job_name(self) -> str | None:
        return None if self._job is None else self._job.name

    @property
    def checkpoint_dir(self) -> str | None:
        return None if self._job is None else self._job.state.checkpoint_dir

    @property
    def flink_address(self) -> str | None:
        return None if self._flink is None else self._flink.address

    def start(self) -> None:
        self._repeating.start()

    def stop(self) -> None:
        has_ended = self._repeating.stop(STOP_SECONDS)
        if self._flink is not None and has_ended:
            self._flink.close()

    def samples(self) -> list[Sample]:
        """Those of the last hour, oldest first, and one of now without the cluster's answer, which is that of the last."""
        kept = list(self._samples)
        newest = kept[-1] if kept else None
        now = self._sample()
        if newest is not None:
            now = msgspec.structs.replace(now, cluster=newest.cluster, cluster_trouble=newest.cluster_trouble)
        return [*kept, now]

    def _take(self) -> None:
        sample = self._sample()
        if self._flink is not None:
            sample = self._with_cluster(sample, self._flink)
        self._samples.append(sample)

    def _sample(self) -> Sample:
        try:
            store_lag = self._store_lag()
        except StoreUnavailable:
            store_lag = None
        reply_lag = self._reply_lag_seconds()
        return Sample(
            at_ms=self._now_ms(), written=self._metrics.written(), store_lag=store_lag,
            reply_lag_ms=None if reply_lag is None else round(reply_lag * 1_000),
            checkpoint=_newest_on_disk(self.checkpoint_dir),
            answer_counts=self._metrics.answer_counts(DECIDING_ROUTES), fallbacks=self._metrics.fallback_count(),
        )  # fmt: skip

    def _with_cluster(self, sample: Sample, flink: FlinkRest) -> Sample:
        try:
            return msgspec.structs.replace(sample, cluster=flink.read())
        except FlinkError as error:
            before = self._samples[-1].cluster_trouble if self._samples else None
            if before != str(error):
                _log.warning("the state of the job's cluster is not known now: %s", error)
            return msgspec.structs.replace(sample, cluster_trouble=str(error))


def _newest_on_disk(folder: str | None) -> DiskCheckpoint | None:
    """None for a folder that is not on this machine."""
    if folder is None or "://" in folder:
        return None
    try:
        newest = newest_checkpoint(folder)
        if newest is None:
            return None
        metadata = Path(newest) / METADATA
        return DiskCheckpoint(Path(newest).name, metadata.stat().st_mtime_ns // 1_000_000)
    except OSError:  # removed meanwhile
        return None


def rate_series(samples: Sequence[Sample], count: Callable[[Sample], int | None]) -> list[tuple[int, float]]:
    """(epoch ms, events a second since the sample before) of a growing count; without those across a new beginning."""
    found = []
    for before, after in pairwise(samples):
        first, last, elapsed_ms = count(before), count(after), after.at_ms - before.at_ms
        if first is not None and last is not None and last >= first and elapsed_ms >= LEAST_MS:
            found.append((after.at_ms, (last - first) * 1_000 / elapsed_ms))
    return found


def percentiles(samples: Sequence[Sample], buckets_seconds: Sequence[float]) -> Percentiles | None:
    """Of the answers between the first and the last sample; None without any."""
    if not samples:
        return None
    counts = [last - first for first, last in zip(samples[0].answer_counts, samples[-1].answer_counts, strict=True)]
    total = counts[-1]
    if total <= 0:
        return None

    def within_ms(share: float) -> float | None:
        place = bisect_left(counts, share * total)
        return buckets_seconds[place] * 1_000 if place < len(buckets_seconds) else None

    return Percentiles(answers=total, p50_ms=within_ms(0.5), p95_ms=within_ms(0.95), p99_ms=within_ms(0.99))
