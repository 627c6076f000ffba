"""A cluster's TaskManagers: which processes they are, which of them work, and killing one."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from typing import Any

from tests.cluster.conftest import SCRIPTS, Cluster

_RESOURCE_ID = re.compile(r"Starting TaskManager with ResourceID: (\S+)")
PATIENCE_SECONDS = 60


def add_one(cluster: Cluster) -> None:
    """Start one more and wait until it has told the JobManager."""
    count = len(_rest(cluster, "taskmanagers")["taskmanagers"])
    subprocess.run([str(SCRIPTS / "add.sh"), str(cluster.directory)], check=True, timeout=60)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(_rest(cluster, "taskmanagers")["taskmanagers"]) <= count:
        assert time.monotonic() < deadline, "the TaskManager does not come up"
        time.sleep(0.2)


def kill_one_that_works(cluster: Cluster) -> str:
    """SIGKILL one without a free slot; returns its resource id."""
    busy = [one["id"] for one in _rest(cluster, "taskmanagers")["taskmanagers"] if one["freeSlots"] == 0]
    os.kill(_pid_of(cluster, busy[0]), signal.SIGKILL)
    return str(busy[0])


def _pid_of(cluster: Cluster, resource_id: str) -> int:
    """The n-th started TaskManager writes the n-th log and stands in the n-th line of the file of process ids."""
    pids = (cluster.directory / "pid" / "flink-fraud-taskexecutor.pid").read_text().split()
    for log in (cluster.directory / "log").glob("flink-fraud-taskexecutor-*.log"):
        found = _RESOURCE_ID.search(log.read_text(errors="replace"))
        if found is not None and found[1].removesuffix(".") == resource_id:
            return int(pids[int(log.name.split("-")[3])])
    raise AssertionError(f"no process of TaskManager {resource_id}")


def working_on(cluster: Cluster, job_id: str) -> set[str]:
    """Resource ids of the TaskManagers that run the job's scorer."""
    return {task["taskmanager-id"] for task in _scorers(cluster, job_id) if task["status"] == "RUNNING"}


def read_by_each(cluster: Cluster, job_id: str) -> dict[str, int]:
    """Records that the scorer's instances have read, by TaskManager. Flink's figures are up to ten seconds old."""
    return {task["taskmanager-id"]: int(task["metrics"]["read-records"]) for task in _scorers(cluster, job_id)}


def restarts(cluster: Cluster, job_id: str) -> int:
    """How often the job was restarted by itself."""
    return int(_rest(cluster, f"jobs/{job_id}/metrics?get=numRestarts")[0]["value"])


def cancel(cluster: Cluster, job_id: str) -> None:
    address = f"http://127.0.0.1:{cluster.rest_port}/jobs/{job_id}?mode=cancel"
    urllib.request.urlopen(urllib.request.Request(address, method="PATCH")).close()


def _scorers(cluster: Cluster, job_id: str) -> list[Any]:
    vertices = _rest(cluster, f"jobs/{job_id}")["vertices"]
    scorer = next(vertex["id"] for vertex in vertices if vertex["name"].startswith("score-transactions"))
    subtasks: list[Any] = _rest(cluster, f"jobs/{job_id}/vertices/{scorer}")["subtasks"]
    return subtasks


def _rest(cluster: Cluster, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{cluster.rest_port}/{path}") as answer:
        return json.load(answer)
