"""A local job whose TaskManager ends fails with one line: nothing would replace it, and the job would stay RUNNING."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from pyflink.util.java_utils import get_field_value

from jobs.runtime.failures import JobFailed
from jobs.score_transactions import start
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.interruption import PROMPT, wait_for_records

EVENTS = 500


def test_a_job_that_may_restart_ends_when_its_task_manager_is_lost(configure: Configure, tmp_path: Path) -> None:
    directory = tmp_path / "control"
    directory.mkdir()
    config = configure(
        write_events(tmp_path / "events.jsonl", event_lines(EVENTS)),
        control={"kind": "file", "path": str(directory), "poll_interval_ms": 50},  # watched, so that the job runs on
        flink={"restart_attempts": 20, "extra": PROMPT},
    )
    job = start(config)
    wait_for_records(job, EVENTS)
    cluster = get_field_value(job._client._j_job_client, "miniCluster")

    threading.Timer(1, lambda: cluster.terminateTaskManager(0)).start()
    with pytest.raises(JobFailed, match=r"the job's TaskManager has ended.* \(log: .*flink.log\)$"):
        job.wait()
