"""A job that runs: how far it is, waiting for its end, stopping it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jobs.config import JobConfig
from jobs.failures import JobCancelled, is_java_error, job_failed
from jobs.interrupts import deferred_interrupt
from udfs.latency import percentile_ms
from udfs.progress import ACCUMULATOR_PREFIX, LATENCY_PREFIX

if TYPE_CHECKING:
    from jobs.entity_config import EntityJobConfig

POLL_SECONDS = 0.05
CANCELLED = "cancelled; outputs since the last checkpoint are not in the files"
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


class Counts(NamedTuple):
    """Records read and outputs made since the job's last start. While it runs they lag about a second.

    `degraded`: decisions without values that the store could not give. `flags`: notices of flags without an action.
    """

    records: int = 0
    decisions: int = 0
    alerts: int = 0
    dead_letters: int = 0
    degraded: int = 0
    flags: int = 0


class JobResult(NamedTuple):
    """What a finished job did, and how many seconds it ran (without the start of the JVM).

    `latency_ms` is the scorer's own time for a record, state access included: p50, p95, p99 and p99.9.
    """

    counts: Counts
    seconds: float
    latency_ms: dict[str, float]


class RunningJob:
    """Handle of a started job. All methods that wait raise JobFailed when the job fails.

    `log_file` is None on a cluster; `accumulators` are there once it has finished; `detached` tells that the client was
    told not to wait (`flink run -d`).
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
        """Has the job ended, in whatever way?"""
        return bool(self._result.done())

    def counts(self) -> Counts:
        """How far the job is now; zeros before it says so for the first time, or after its end."""
        try:
            return _counts(self._client.get_accumulators().result())
        except Exception as error:
            if not is_java_error(error):  # Java's says "not yet", "no more" or "the job failed"
                raise
            return Counts()

    def wait(self, on_progress: Callable[[Counts], None] | None = None, every_seconds: float = 0.5) -> JobResult:
        """Wait for the end, telling `on_progress` how far the job is.

        Raises JobFailed. Ctrl-C cancels the job and raises JobCancelled.
        """
        next_report = time.monotonic() + every_seconds
        with deferred_interrupt() as asked:
            while not self.is_finished():
                if asked.is_set():
                    self.cancel()
                    raise JobCancelled(CANCELLED)
                time.sleep(POLL_SECONDS)
                if on_progress is not None and time.monotonic() >= next_report:
                    on_progress(self.counts())
                    next_report = time.monotonic() + every_seconds
        result = self._finish()
        if on_progress is not None:
            on_progress(result.counts)
        return result

    def cancel(self) -> None:
        """Stop at once. Checkpoints stay; outputs after the last one do not appear in files."""
        if not self.is_finished():
            self._client.cancel().result()

    def stop_with_savepoint(self, directory: str) -> str:
        """Stop after a savepoint under the directory, with all outputs up to it in place; returns its path."""
        from pyflink.java_gateway import get_gateway

        canonical = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType.CANONICAL
        try:  # PyFlink's own method calls a Java signature that is gone
            path = self._client._j_job_client.stopWithSavepoint(False, directory, canonical).get()
        except Exception as error:
            if not is_java_error(error):
                raise
            raise job_failed(error, self._config, self.log_file) from None
        while not self.is_finished():
            time.sleep(POLL_SECONDS)
        return str(path).removeprefix("file:")

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
