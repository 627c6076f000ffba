"""The scripted cluster, with a job on it, listens only on loopback; jobs are only submitted by `flink run`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.cluster.conftest import TASK_MANAGERS, Cluster
from tests.cluster.task_managers import cancel, working_on
from tests.cluster.test_flink_run import write_config
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.listening_sockets import TABLES, listening_sockets
from tests.jobs.open_doors import at_each, http_status, is_worker_service, submit_job, upload_jar
from tests.kafka.outcomes import wait_until_true

pytestmark = pytest.mark.skipif(not TABLES[0].exists(), reason="the kernel's tables of sockets are those of Linux")

JOB_MANAGER_PORTS = 4  # REST, RPC, jars and large messages, metrics for REST
TASK_MANAGER_PORTS = 3  # RPC, records between TaskManagers, metrics for REST
OK, BAD_REQUEST = 200, 400


def test_a_cluster_listens_only_on_loopback_and_accepts_no_jars(
    cluster: Cluster, configure: Configure, tmp_path: Path
) -> None:
    directory = tmp_path / "control"
    directory.mkdir()
    config = configure(
        write_events(tmp_path / "events.jsonl", event_lines(500, seed=13)),
        control={"kind": "file", "path": str(directory), "poll_interval_ms": 50},  # watched, so that the job runs on
        flink={"parallelism": TASK_MANAGERS},
    )
    job_id = cluster.submit_detached(write_config(config, tmp_path))
    try:
        wait_until_true(lambda: len(working_on(cluster, job_id)) == TASK_MANAGERS, 60, "scorers")
        (job_manager,), task_managers = _running(cluster, "standalonesession"), _running(cluster, "taskexecutor")
        found = listening_sockets([job_manager, *task_managers])
        ports = [one.port for one in found]
        jars, jobs, workers = (at_each(attempt, ports) for attempt in (upload_jar, submit_job, is_worker_service))
    finally:
        cancel(cluster, job_id)

    assert [one for one in found if not one.is_on_loopback] == []
    count = Counter(one.process_id for one in found)
    assert count == {job_manager: JOB_MANAGER_PORTS} | dict.fromkeys(task_managers, TASK_MANAGER_PORTS)
    assert not any(workers.values())
    assert {port: status for port, status in jars.items() if status} == {cluster.rest_port: BAD_REQUEST}
    assert http_status(cluster.rest_port, "GET", "/jars") != OK
    # `flink run` needs this one, and Flink asks for no password: it is why all listens on loopback.
    assert {port: status for port, status in jobs.items() if status} == {cluster.rest_port: BAD_REQUEST}


def _running(cluster: Cluster, kind: str) -> list[int]:
    """Ids of its processes of a kind; a test may have killed some whose ids are still in the file."""
    pids = (cluster.directory / "pid" / f"flink-fraud-{kind}.pid").read_text().split()
    return [int(pid) for pid in pids if Path("/proc", pid).exists()]
