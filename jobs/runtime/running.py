"""Handle of a running job: progress, waiting for its end, stopping it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jobs.config.job import JobConfig
from jobs.flink_internals.process import has_lost_task_manager, is_java_error, stop_with_savepoint
from jobs.runtime.failures import JobCancelled, job_failed, task_manager_lost
from jobs.runtime.interrupts import deferred_interrupt
from udfs.flink.progress import ACCUMULATOR_PREFIX, LATENCY_PREFIX
from udfs.metrics.histogram import percentile_ms

if TYPE_CHECKING:
    from jobs.config.entity_job import EntityJobConfig

POLL_SECONDS = 0.05
TASK_MANAGER_POLL_SECONDS = 1.0
LONGEST_END_SECONDS = 5.0
CANCELLED = "cancelled; outputs since the last checkpoint are not in the files"
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


class Counts(NamedTuple):
    """Records read and outputs emitted since the job's last start. While the job runs they lag by about a second.

    `degraded`: decisions that lack values because the store was unavailable. `flags`: flags without an action.
    """

    records: int = 0
    decisions: int = 0
    alerts: int = 0
    dead_letters: int = 0
    degraded: int = 0
    flags: int = 0


class JobResult(NamedTuple):
    """Counts of a finished job, and its run time in seconds (without the start of the JVM).

    `latency_ms`: p50, p95, p99 and p99.9 of the scorer's time per record, including state access.
    """

    counts: Counts
    seconds: float
    latency_ms: dict[str, float]


class RunningJob:
    """Handle of a started job. All methods that block raise JobFailed if the job fails.

    `log_file` is None on a cluster. `accumulators` is empty until the job has finished. `detached`: the client does not
    wait for the job (`flink run -d`).
    """

    def __init__(
        self, client: Any, config: JobConfig | EntityJobConfig, log_file: Path | None, detached: bool = False
    ) -> None:
        self.log_file = log_file
        self.detached = detached
        self.accumulators: dict[str, int] = {}
        self._client = client
        self._config = config
        self._result = client.get_job_execution_result()

    @property
    def job_id(self) -> str:
        return str(self._client.get_job_id())

    def is_finished(self) -> bool:
        """Whether the job has finished, failed or been cancelled."""
        return bool(self._result.done())

    def counts(self) -> Counts:
        """Current counts; zeros before the first report and after the end of the job."""
        try:
            return _counts(self._client.get_accumulators().result())
        except Exception as error:
            if not is_java_error(error):  # a Java error means: not yet available, no longer available, or job failed
                raise
            return Counts()

    def wait(self, on_progress: Callable[[Counts], None] | None = None, every_seconds: float = 0.5) -> JobResult:
        """Block until the job ends; calls `on_progress` with the current counts every `every_seconds`.

        Raises JobFailed, also if the TaskManager of a local job is lost: nothing replaces it. Ctrl-C cancels the job and
        raises JobCancelled.
        """
        next_report = time.monotonic() + every_seconds
        next_look = time.monotonic() + TASK_MANAGER_POLL_SECONDS
        with deferred_interrupt() as interrupted:
            while not self.is_finished():
                if interrupted.is_set():
                    self.cancel()
                    raise JobCancelled(CANCELLED)
                time.sleep(POLL_SECONDS)
                if time.monotonic() >= next_look:
                    self._require_task_managers()
                    next_look = time.monotonic() + TASK_MANAGER_POLL_SECONDS
                if on_progress is not None and time.monotonic() >= next_report:
                    on_progress(self.counts())
                    next_report = time.monotonic() + every_seconds
        result = self._finish()
        if on_progress is not None:
            on_progress(result.counts)
        return result

    def cancel(self) -> None:
        """Stop immediately. Checkpoints are kept; outputs after the last one do not appear in files."""
        if not self.is_finished():
            self._client.cancel().result()

    def stop_with_savepoint(self, directory: str) -> str:
        """Stop with a savepoint under the directory, after committing all outputs; returns the savepoint's path. Blocks."""
        try:
            path = stop_with_savepoint(self._client, directory)
        except Exception as error:
            if not is_java_error(error):
                raise
            raise job_failed(error, self._config, self.log_file) from None
        while not self.is_finished():
            time.sleep(POLL_SECONDS)
        return path.removeprefix("file:")

    def _require_task_managers(self) -> None:
        """Raises JobFailed if a local job has lost its TaskManager and does not end by itself, as it does without
        `flink.restart_attempts`, or when its cluster ends."""
        if self.log_file is None or not has_lost_task_manager(self._client):
            return
        deadline = time.monotonic() + LONGEST_END_SECONDS
        while not self.is_finished():
            if time.monotonic() >= deadline:
                self._client.cancel()  # not awaited: without its TaskManager the job may not end
                raise task_manager_lost(self._config, self.log_file)
            time.sleep(POLL_SECONDS)

    def _finish(self) -> JobResult:
        try:
            result = self._result.result()
        except Exception as error:
            if not is_java_error(error):
                raise
            raise job_failed(error, self._config, self.log_file) from None
        accumulators = result.get_all_accumulator_results()
        self.accumulators = {name: int(value) for name, value in accumulators.items()}
        return JobResult(_counts(accumulators), result.get_net_runtime() / 1_000, _latency_ms(accumulators))


def _counts(accumulators: dict[str, Any]) -> Counts:
    values = [int(accumulators.get(f"{ACCUMULATOR_PREFIX}{name.replace('_', '-')}", 0)) for name in Counts._fields]
    return Counts(*values)


def _latency_ms(accumulators: dict[str, Any]) -> dict[str, float]:
    counts = {
        int(name.removeprefix(LATENCY_PREFIX)): int(count)
        for name, count in accumulators.items()
        if name.startswith(LATENCY_PREFIX)
    }
    found = {name: percentile_ms(counts, share) for name, share in PERCENTILES.items()}
    return {name: value for name, value in found.items() if value is not None}
