"""Both jobs as commands: Ctrl-C during the start, and the output of --debug."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs import entity_aggregates, score_transactions
from jobs.runtime.environment import PYTHON_LOG
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events

TIMEOUT_SECONDS = 120
JOBS = (score_transactions, entity_aggregates)

Write = Callable[..., str]


@pytest.fixture
def write(configure: Configure, tmp_path: Path) -> Write:
    """Writes a job's configuration over the same events; `sections` override it."""

    def written(job: Any, **sections: Any) -> str:
        source = write_events(tmp_path / "events.jsonl", event_lines(20_000, seed=6))
        tree = configure(source, **sections).model_dump(mode="json")
        if job is entity_aggregates:
            tree = {key: tree[key] for key in ("source", "flink", "state")}
            tree["store"] = {"kind": "sqlite", "path": str(tmp_path / "histories.db")}
        file = tmp_path / "job.yaml"
        file.write_text(yaml.safe_dump(tree))
        return str(file)

    return written


@pytest.mark.parametrize("job", JOBS)
def test_an_interrupt_while_java_starts_ends_the_job_in_one_line(write: Write, job: Any, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    command = [sys.executable, "-m", job.__name__, "--config", write(job, flink={"log_directory": str(logs)})]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not (logs / PYTHON_LOG).exists():  # made just before the JVM
        assert process.poll() is None, "the job ended before it could be interrupted"
        assert time.monotonic() < deadline, "Java is not even tried"
        time.sleep(0.01)

    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: to Python and Java alike
    _, errors = process.communicate(timeout=TIMEOUT_SECONDS)

    assert errors == "cancelled; outputs since the last checkpoint are not in the files\n"
    assert process.returncode == 130


@pytest.mark.parametrize("job", JOBS)
def test_debug_shows_javas_stack_trace_below_the_one_line(
    write: Write, job: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "savepoint"
    broken.mkdir()
    (broken / "_metadata").write_bytes(b"no savepoint")
    arguments = ["--config", write(job, state={"restore_from": str(broken)})]

    assert job.main(arguments) == 2
    brief = capsys.readouterr().err
    assert job.main([*arguments, "--debug"]) == 2
    full = capsys.readouterr().err

    assert brief.startswith("error: ")
    assert brief.count("\n") == 1
    assert full.splitlines()[0] == brief.rstrip("\n")
    assert "Caused by: " in full
    assert "\tat org.apache.flink.runtime" in full
