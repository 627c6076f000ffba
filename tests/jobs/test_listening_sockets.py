"""A local run listens only on loopback, and accepts no job, jar or worker request."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from jobs.runtime.environment import FLINK_LOG
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.listening_sockets import TABLES, ListeningSocket, listening_sockets
from tests.jobs.open_doors import (
    at_each,
    calls_by_py4j,
    is_worker_service,
    look_at_web_page,
    submit_job,
    upload_jar,
)

pytestmark = pytest.mark.skipif(not TABLES[0].exists(), reason="the kernel's tables of sockets are those of Linux")

EVENTS = 60_000
PATIENCE_SECONDS = 180
PYTHON, JAVA = Path(sys.executable).resolve().name, "java"
# Java: py4j's gateway, by which Python calls it, and Flink's server of jars. Python: py4j's way back.
EXPECTED = {JAVA: 2, PYTHON: 1}
ATTEMPTS: tuple[Callable[[int], object], ...] = (
    look_at_web_page,
    upload_jar,
    submit_job,
    is_worker_service,
    calls_by_py4j,
)
RUNS = re.compile(r"(score-transactions|count-entities).* switched from INITIALIZING to RUNNING")


class Run(NamedTuple):
    """A command as a user gives it, and where the JVM that it starts puts its log."""

    command: list[str]
    logs: Path


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_events(tmp_path_factory.mktemp("events") / "events.jsonl", event_lines(EVENTS, seed=12))


def scoring_job(events: Path, configure: Configure, directory: Path) -> Run:
    return _job("jobs.score_transactions", _configured(events, configure, directory), directory)


def entity_job(events: Path, configure: Configure, directory: Path) -> Run:
    scoring = _configured(events, configure, directory)
    tree = {"source": scoring["source"], "flink": scoring["flink"]}
    return _job("jobs.entity_aggregates", tree | {"store": _sqlite(directory)}, directory)


def fraud_score(events: Path, configure: Configure, directory: Path) -> Run:
    run = directory / "run"
    return Run([sys.executable, "-m", "cli.main", "score", "--input", str(events), "--run", str(run)], run / "logs")


def fraud_demo(events: Path, configure: Configure, directory: Path) -> Run:
    small = ["--users", "600", "--days", "20"]
    return Run([sys.executable, "-m", "cli.main", "demo", "--out", str(directory), *small], directory / "logs")


@pytest.mark.parametrize("way", [scoring_job, entity_job, fraud_score, fraud_demo])
def test_a_local_run_listens_only_on_loopback_and_takes_no_submission(
    way: Any, events: Path, configure: Configure, tmp_path: Path
) -> None:
    run = way(events, configure, tmp_path)
    with _started(run.command) as process:
        ever = _watch_until_it_runs(process, run.logs / FLINK_LOG)
        now = listening_sockets([process.pid])
        answers = {attempt.__name__: at_each(attempt, (one.port for one in now)) for attempt in ATTEMPTS}
        assert process.poll() is None, "the job ended while it was looked at: give it more events"

    assert [one for one in ever | set(now) if not one.is_on_loopback] == []
    assert Counter(one.program for one in now) == EXPECTED
    nothing = dict.fromkeys((one.port for one in now), None)  # Flink's REST server is gone
    assert answers == {
        "look_at_web_page": nothing,
        "upload_jar": nothing,
        "submit_job": nothing,
        "is_worker_service": dict.fromkeys(nothing, False),
        "calls_by_py4j": dict.fromkeys(nothing, False),
    }


def test_the_look_finds_a_worker_service_of_pyflink_on_all_interfaces() -> None:
    """What PyFlink starts if it is left alone: the tries above would find it."""
    program = (
        "from pyflink.fn_execution.beam.beam_worker_pool_service import BeamFnLoopbackWorkerPoolServicer as Service\n"
        "print(Service().start(), flush=True)\ninput()"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline().rpartition(":")[2])
        found = listening_sockets([process.pid])
        answers = is_worker_service(port)
        process.kill()

    assert [(one.port, one.program, one.is_on_loopback) for one in found] == [(port, PYTHON, False)]
    assert answers


def test_the_look_finds_a_gateway_of_pyflink_that_asks_for_no_token(tmp_path: Path) -> None:
    """What PyFlink starts if it is left alone, with its way back to Python: the tries above would find both."""
    program = "from pyflink.java_gateway import get_gateway\nget_gateway()\nprint('ready', flush=True)\ninput()"
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        found = listening_sockets([process.pid])
        answers = at_each(calls_by_py4j, (one.port for one in found))
        process.kill()

    assert Counter(one.program for one in found) == {JAVA: 1, PYTHON: 1}
    assert {one.program: answers[one.port] for one in found} == {JAVA: True, PYTHON: True}


def _configured(events: Path, configure: Configure, directory: Path) -> dict[str, Any]:
    return configure(events, flink={"log_directory": str(directory / "logs")}).model_dump(mode="json")


def _sqlite(directory: Path) -> dict[str, str]:
    return {"kind": "sqlite", "path": str(directory / "histories.db")}


def _job(module: str, tree: dict[str, Any], directory: Path) -> Run:
    file = directory / "job.yaml"
    file.write_text(yaml.safe_dump(tree))
    return Run([sys.executable, "-m", module, "--config", str(file)], directory / "logs")


@contextmanager
def _started(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """The process, in a group of its own; killed with its JVM when it is left."""
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def _watch_until_it_runs(process: subprocess.Popen[str], log: Path) -> set[ListeningSocket]:
    """All sockets that were seen listening, however short, from Python's own one on until the job works.

    Before it PyFlink looks for a free port by a socket on all interfaces, which nobody accepts on, for some milliseconds.
    """
    seen: set[ListeningSocket] = set()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (log.exists() and RUNS.search(log.read_text(errors="replace"))):
        found = listening_sockets([process.pid])
        if any(one.program == PYTHON for one in found):
            seen |= set(found)
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline, f"the job does not run: see {log}"
        time.sleep(0.05)
    return seen
