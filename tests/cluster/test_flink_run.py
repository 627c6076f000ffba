"""The job submitted by `flink run` to a cluster makes the decisions of plain Python."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from pathlib import Path

import yaml

from jobs.config.job import JobConfig
from tests.cluster.conftest import TASK_MANAGERS, Cluster
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.outcomes import by_user, replayed, written_lines

EVENTS = 3_000
TIMEOUT_SECONDS = 90


def write_config(config: JobConfig, directory: Path) -> str:
    file = directory / "job.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    return str(file)


def state_of(cluster: Cluster, job_id: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{cluster.rest_port}/jobs/{job_id}") as answer:
        return str(json.load(answer)["state"])


def test_two_task_managers_write_the_bytes_of_a_plain_replay(
    cluster: Cluster, configure: Configure, tmp_path: Path
) -> None:
    lines = event_lines(EVENTS)
    source = write_events(tmp_path / "events.jsonl", lines)
    config = configure(
        source, flink={"parallelism": TASK_MANAGERS}, state={"checkpoint_dir": str(tmp_path / "checkpoints")}
    )

    done = cluster.submit(write_config(config, tmp_path))

    assert done.returncode == 0, done.stderr
    assert f"{EVENTS:,} records in" in done.stdout  # `flink run` sends both outputs of Python there
    expected = replayed(config, lines)
    assert by_user(written_lines(tmp_path / "out", "decisions")) == by_user(expected["decisions"])
    assert by_user(written_lines(tmp_path / "out", "alerts")) == by_user(expected["alerts"])


def test_a_detached_job_runs_on_without_its_client(cluster: Cluster, configure: Configure, tmp_path: Path) -> None:
    """The second job on the same TaskManagers, too."""
    lines = event_lines(500, seed=7)
    config = configure(write_events(tmp_path / "events.jsonl", lines), state={"backend": "rocksdb"})

    done = cluster.submit("-d", write_config(config, tmp_path))

    assert done.returncode == 0, done.stderr
    assert "records in" not in done.stdout  # it did not wait
    match = re.search(r"JobID ([0-9a-f]{32})", done.stdout)
    assert match is not None
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (state := state_of(cluster, match[1])) != "FINISHED":
        assert state in ("INITIALIZING", "CREATED", "RUNNING")
        assert time.monotonic() < deadline
        time.sleep(0.1)
    expected = replayed(config, lines)
    assert written_lines(tmp_path / "out", "decisions") == expected["decisions"]


def test_a_failed_job_reports_its_cause_and_the_cluster_stays_up(
    cluster: Cluster, configure: Configure, tmp_path: Path
) -> None:
    source = tmp_path / "events.jsonl"
    source.write_bytes(b"not an event\n" * 500)
    config = configure(source, flink={"restart_attempts": 2})

    done = cluster.submit(write_config(config, tmp_path))

    assert done.returncode == 2
    assert re.search(
        r"^error: 100 of the last 100 records were dead letters, .*because of: not JSON", done.stderr, re.MULTILINE
    )
    assert "\tat " not in done.stdout + done.stderr
    with urllib.request.urlopen(f"http://127.0.0.1:{cluster.rest_port}/overview") as answer:
        assert json.load(answer)["slots-available"] == TASK_MANAGERS


def test_a_wrong_configuration_is_one_line_without_javas_stack_trace(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text("source: {kind: file, path: nothing.jsonl}\nsinks: [{kind: print}]\n")

    done = cluster.submit(str(tmp_path / "job.yaml"))

    assert done.returncode == 2
    assert re.fullmatch(r"error: .*job.yaml: source.path: file .*nothing.jsonl does not exist\n", done.stderr)
    assert "\tat " not in done.stdout
