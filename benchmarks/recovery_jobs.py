"""The job of a cell of the recovery matrix: as one local process, or on the scripted cluster of two TaskManagers."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.processes import PROJECT, ProcessEnded, Running, free_port, python, start, wait_until

SCRIPTS = PROJECT / "deploy" / "cluster"
TASK_MANAGERS = 2
START_SECONDS = 300
"""Patience with starts and restarts, for busy machines."""
RESTORE = "FRAUD__STATE__RESTORE_FROM"
PARALLELISM = "FRAUD__FLINK__PARALLELISM"
CHECKPOINTED = "Completed checkpoint"
_JOB_ID = re.compile(r"JobID ([0-9a-f]{32})")
_DESCRIPTION = re.compile(r"Starting TaskManager with ResourceID: (\S+)")


class LocalJob:
    """`python -m jobs.score_transactions`, restarted from its newest checkpoint as a supervisor does."""

    def __init__(self, config: Path, logs: Path, environment: dict[str, str]) -> None:
        self._config = config
        self._logs = logs
        self._environment = environment
        self._running: Running | None = None

    @property
    def log(self) -> Path:
        """The log that tells of checkpoints and restores."""
        return self._logs / "flink.log"

    @property
    def group(self) -> int:
        """Id of the process group of Python and its JVM."""
        return self._process().process.pid

    def start(self) -> None:
        """Blocks until the job has made its first checkpoint: from then on it scores. Raises TimeoutError, ProcessEnded."""
        self._start({})
        wait_until(lambda: CHECKPOINTED in _text(self.log), START_SECONDS, "first checkpoint", self._process())

    def restart(self, parallelism: int | None = None) -> None:
        """From the newest checkpoint, or with an empty state where there is none yet; returns at once."""
        scale = {} if parallelism is None else {PARALLELISM: str(parallelism)}
        self._start({RESTORE: "newest-or-none", **scale})

    def kill(self) -> None:
        if self._running is not None:
            self._running.kill()

    def pause(self) -> None:
        os.killpg(self.group, signal.SIGSTOP)

    def resume(self) -> None:
        os.killpg(self.group, signal.SIGCONT)

    def restart_when_ended(self, seconds: float) -> bool:
        """As a supervisor: waits for the end of the process and starts it again; False if it did not end."""
        process = self._process().process
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        self.kill()  # what is left of its group
        self.restart()
        return True

    def java(self) -> int:
        """Process id of the JVM."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            name, _, rest = stat.read_text().partition(" (")[2].rpartition(") ")
            if name == "java" and int(rest.split()[2]) == self.group:
                return int(stat.parent.name)
        raise LookupError("the job has no JVM")

    def require_alive(self) -> None:
        """Raises ProcessEnded."""
        self._process().require_alive()

    def end(self) -> None:
        """Kills what is left of it."""
        self.kill()

    def _start(self, environment: dict[str, str]) -> None:
        command = python("jobs.score_transactions", "--config", str(self._config))
        self._running = start(command, self._logs / "job.log", **self._environment, **environment)

    def _process(self) -> Running:
        if self._running is None:
            raise RuntimeError("the job was not started")
        return self._running


class Cluster:
    """The scripted cluster; its processes end with `stop`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.rest_port, self._rpc_port = free_port(), free_port()

    def start(self) -> None:
        ports = [str(self.rest_port), str(self._rpc_port)]
        _run([str(SCRIPTS / "start.sh"), str(self.directory), str(TASK_MANAGERS), *ports, sys.executable])

    def stop(self) -> None:
        if (self.directory / "python").exists():
            _run([str(SCRIPTS / "stop.sh"), str(self.directory)])

    def submit(self, config: Path, environment: dict[str, str]) -> str:
        """Returns the job's id."""
        output = _run([str(SCRIPTS / "submit.sh"), str(self.directory), "-d", str(config)], environment)
        found = _JOB_ID.search(output)
        if found is None:
            raise RuntimeError(f"flink run gave no id of a job: {output[-500:]}")
        return found[1]

    def ask(self, path: str, method: str = "GET") -> Any:
        """An answer of Flink's REST interface. Raises OSError."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.rest_port}/{path}", method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def job_manager(self) -> int:
        return int((self.directory / "pid" / "flink-fraud-standalonesession.pid").read_text().split()[-1])

    def busy_task_manager(self) -> int:
        """Process id of a TaskManager without a free slot."""
        busy = {one["id"] for one in self.ask("taskmanagers")["taskmanagers"] if one["freeSlots"] == 0}
        pids = (self.directory / "pid" / "flink-fraud-taskexecutor.pid").read_text().split()
        for log in (self.directory / "log").glob("flink-fraud-taskexecutor-*.log"):
            found = _DESCRIPTION.search(_text(log))
            if found is not None and found[1].removesuffix(".") in busy:
                return int(pids[int(log.name.split("-")[3])])
        raise LookupError("no TaskManager is busy")


class ClusterJob:
    """The job on a cluster, submitted by `flink run -d`."""

    def __init__(self, config: Path, cluster: Cluster) -> None:
        self.cluster = cluster
        self._config = config
        self._id = ""

    @property
    def log(self) -> Path:
        """The JobManager's newest log."""
        logs = (self.cluster.directory / "log").glob("flink-fraud-standalonesession-*.log")
        return max(logs, key=lambda path: path.stat().st_mtime)

    def start(self) -> None:
        """Blocks until the job runs. Raises TimeoutError."""
        self._submit({})
        wait_until(self._all_tasks_run, START_SECONDS, "running job")

    def restart(self, parallelism: int | None = None, restore: str = "newest") -> None:
        """From the newest checkpoint, or a savepoint's path."""
        scale = {} if parallelism is None else {PARALLELISM: str(parallelism)}
        self._submit({RESTORE: restore, **scale})

    def start_stopping(self) -> subprocess.Popen[str]:
        """Begins a stop with a savepoint, whose path the process prints."""
        command = [str(SCRIPTS / "stop_job.sh"), str(self.cluster.directory), self._id]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=PROJECT)

    def wait_until_running(self, seconds: float = START_SECONDS) -> None:
        """Raises TimeoutError."""
        wait_until(self._all_tasks_run, seconds, "running job")

    def require_alive(self) -> None:
        """Raises ProcessEnded where Flink has given the job up."""
        try:
            state = self.cluster.ask(f"jobs/{self._id}")["state"]
        except OSError:  # the JobManager is busy, or gone for a while
            return
        if state in ("FAILED", "CANCELED", "FINISHED"):
            raise ProcessEnded(f"the job on the cluster is {state}: see {self.log}")

    def end(self) -> None:
        """Cancels it, so that its slots are free."""
        try:
            self.cluster.ask(f"jobs/{self._id}?mode=cancel", "PATCH")
        except OSError:
            return
        wait_until(lambda: self._state() in ("CANCELED", "FAILED", "FINISHED"), 60, "end of the job")

    def _submit(self, environment: dict[str, str]) -> None:
        self._id = self.cluster.submit(self._config, environment)

    def _state(self) -> str:
        return str(self.cluster.ask(f"jobs/{self._id}")["state"])

    def _all_tasks_run(self) -> bool:
        try:
            vertices = self.cluster.ask(f"jobs/{self._id}")["vertices"]
        except OSError:
            return False
        return bool(vertices) and all(vertex["status"] == "RUNNING" for vertex in vertices)


Job = LocalJob | ClusterJob


def wait_for_line(log: Callable[[], Path], line: str, seconds: float) -> None:
    """Returns as soon as a line with the text is appended to a log. Raises TimeoutError."""
    path, deadline = log(), time.monotonic() + seconds
    with path.open("rb") as file:
        file.seek(0, os.SEEK_END)
        text = b""
        while line.encode() not in text:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no line {line!r} in {path} within {seconds:.0f} s")
            time.sleep(0.005)
            text = text[-len(line) :] + file.read()


def _run(command: list[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {(done.stdout + done.stderr).strip()[-500:]}")
    return done.stdout


def _text(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
