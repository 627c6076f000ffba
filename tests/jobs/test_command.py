"""Command line of the scoring job: printed alerts, one-line errors, exit codes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import yaml

from jobs.config.job import JobConfig
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.outcomes import replayed, written_lines

ALERT = re.compile(
    r"202\d-\d\d-\d\d \d\d:\d\d:\d\d  (ALLOW|REFER TO ANALYST|SOFT CHALLENGE|HARD BLOCK) +\d{1,4}  user U\d{5}  .*— .+"
)
TIMEOUT_SECONDS = 120


def command(config: JobConfig, directory: Path) -> list[str]:
    file = directory / "job.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    return [sys.executable, "-m", "jobs.score_transactions", "--config", str(file)]


def test_alerts_are_printed_as_readable_lines_and_nothing_else(configure: Configure, tmp_path: Path) -> None:
    lines = event_lines(1_500, seed=6)
    config = configure(write_events(tmp_path / "events.jsonl", lines), sinks=[{"kind": "print"}])

    done = subprocess.run(command(config, tmp_path), capture_output=True, text=True, timeout=TIMEOUT_SECONDS)

    assert done.returncode == 0
    printed = done.stdout.splitlines()
    assert len(printed) == len(replayed(config, lines)["alerts"]) > 10
    assert [line for line in printed if not ALERT.fullmatch(line)] == []
    assert re.fullmatch(
        r"1,500 records in \d+\.\d s: [\d,]+ decisions, [\d,]+ alerts, [\d,]+ flags, 0 dead letters\n", done.stderr
    )


def test_an_unavailable_store_is_reported_with_the_counts(configure: Configure, tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        config = configure(
            write_events(tmp_path / "events.jsonl", event_lines(1_500, seed=6)),
            store={"kind": "redis", "host": "127.0.0.1", "port": unused.getsockname()[1]},
        )

        done = subprocess.run(command(config, tmp_path), capture_output=True, text=True, timeout=TIMEOUT_SECONDS)

    assert done.returncode == 0
    decisions = [json.loads(line) for line in written_lines(tmp_path / "out", "decisions")]
    degraded = sum(decision.get("enrichment") == "degraded" for decision in decisions)
    assert degraded == sum(decision["type"] == "decision" for decision in decisions) > 1_000
    assert done.stderr.endswith(f"; {degraded:,} decisions degraded: the store was unavailable\n")


def test_a_full_disk_is_reported_in_one_line(configure: Configure, tmp_path: Path) -> None:
    source = write_events(tmp_path / "events.jsonl", event_lines(3_000, seed=6))
    full = tmp_path / "small-disk"
    full.mkdir()
    config = configure(source, sinks=[{"kind": "files", "directory": str(full / "out")}])
    shell = f'mount -t tmpfs -o size=64k none "{full}" && exec "$@"'
    namespace = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]

    done = subprocess.run(
        [*namespace, "sh", "-c", shell, "sh", *command(config, tmp_path)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
    )

    log = Path(config.flink.log_directory, "flink.log")
    assert done.stderr == f"error: the disk is full: free space in {full}/out (log: {log})\n"
    assert done.returncode == 2
    assert "No space left on device" in log.read_text()


def test_an_interrupt_cancels_the_job(configure: Configure, tmp_path: Path) -> None:
    source = write_events(tmp_path / "events.jsonl", event_lines(60_000, seed=6))
    config = configure(source, sinks=[{"kind": "print"}])
    process = subprocess.Popen(
        command(config, tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    assert ALERT.fullmatch(process.stdout.readline().strip())

    started = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: to Python and Java alike
    _, errors = process.communicate(timeout=TIMEOUT_SECONDS)

    assert process.returncode == 130
    assert errors == "cancelled; outputs since the last checkpoint are not in the files\n"
    assert time.monotonic() - started < 20


def test_an_invalid_configuration_is_reported_before_the_start(tmp_path: Path) -> None:
    file = tmp_path / "job.yaml"
    file.write_text("source: {kind: file, path: nowhere.jsonl}\nsinks: [{kind: print}]\n")

    done = subprocess.run(
        [sys.executable, "-m", "jobs.score_transactions", "--config", str(file)], capture_output=True, text=True
    )

    assert done.returncode == 2
    assert done.stdout == ""
    missing = Path("nowhere.jsonl").absolute()
    assert done.stderr == f"error: {file}: source.path: file {missing} does not exist\n"
