"""Waiting for a job to be in the middle of its input."""

from __future__ import annotations

import time

from jobs.runtime.running import RunningJob

PROMPT = {"heartbeat.interval": "100"}  # counts reach the client with it
TIMEOUT_SECONDS = 60


def wait_for_records(job: RunningJob, records: int) -> None:
    """Block until the job has reported this number of records; fails if the job ends before."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while job.counts().records < records:
        assert not job.is_finished(), "the job ended before it could be interrupted"
        assert time.monotonic() < deadline, "the job does not get on"
        time.sleep(0.02)
