"""Runs the scoring job in a separate process that can be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from jobs.config.checkpoints import newest_checkpoint
from jobs.config.job import JobConfig


class JobProcess:
    """A running `python -m jobs.score_transactions`; its files (configuration, logs, stderr) are in a directory."""

    def __init__(self, config: JobConfig, directory: Path) -> None:
        directory.mkdir(parents=True)
        file = directory / "job.yaml"
        file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
        command = [sys.executable, "-m", "jobs.score_transactions", "--config", str(file)]
        environment = {**os.environ, "FRAUD__FLINK__LOG_DIRECTORY": str(directory / "logs")}
        self._stderr_path = directory / "stderr"
        with self._stderr_path.open("wb") as errors:
            # A process group of its own: the JVM dies with Python, at the same moment.
            self._process = subprocess.Popen(command, env=environment, stderr=errors, start_new_session=True)

    def kill(self) -> None:
        """Send SIGKILL to Python and its JVM, if they still run."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def wait_until(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        """Poll a condition; fails when the job ends or the time is over."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert self._process.poll() is None, (
                f"the job ended while waiting for {what}: {self._stderr_path.read_text()}"
            )
            assert time.monotonic() < deadline, f"no {what} within {seconds} s"
            time.sleep(0.1)

    def wait_for_the_end(self, seconds: float) -> None:
        """Raises subprocess.TimeoutExpired; fails if the job failed."""
        assert self._process.wait(seconds) == 0, self._stderr_path.read_text()


@contextmanager
def job_process(config: JobConfig, directory: Path) -> Iterator[JobProcess]:
    """Start the job; it is killed at the end of the block if it still runs."""
    job = JobProcess(config, directory)
    try:
        yield job
    finally:
        job.kill()


def checkpoint_number(directory: Path) -> int:
    """Number of the newest complete checkpoint; 0: there is none."""
    newest = newest_checkpoint(str(directory))
    return int(newest.rpartition("-")[2]) if newest else 0
