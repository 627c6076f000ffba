"""A local run leaves nothing in the temporary directory: what a killed one left is removed by the next."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from jobs.runtime.temporary_files import LOCK, PREFIX, make_temporary_directory, remove_left_over
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.job_process import job_process
from tests.jobs.outcomes import written_lines


def test_directories_in_use_and_those_of_others_stay(tmp_path: Path) -> None:
    used = make_temporary_directory(tmp_path)
    for name in ("ended", "being-made", "other"):
        (tmp_path / f"{PREFIX}{name}").mkdir()
    (tmp_path / f"{PREFIX}ended" / LOCK).touch()
    (tmp_path / f"{PREFIX}ended" / "flink.jar").write_bytes(b"x")
    (tmp_path / "fraud-report").mkdir()
    if os.getuid() == 0:
        (tmp_path / f"{PREFIX}other" / LOCK).touch()
        os.chown(tmp_path / f"{PREFIX}other", 1, 1)

    remove_left_over(tmp_path)

    left = {path.name for path in tmp_path.iterdir()}
    assert left == {used.name, f"{PREFIX}being-made", f"{PREFIX}other", "fraud-report"}


def test_the_files_of_a_killed_job_are_removed_at_the_next_start(
    configure: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    config = configure(
        write_events(tmp_path / "events.jsonl", event_lines(30_000)),
        state={"checkpoint_dir": str(tmp_path / "checkpoints"), "checkpoint_interval_ms": 200},
    )
    with job_process(config, tmp_path / "killed") as job:
        job.wait_until(lambda: bool(written_lines(tmp_path / "out", "decisions")), 120, "decisions")
    (left,) = temporary.glob(f"{PREFIX}*")
    assert any(left.glob("minicluster_*"))

    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json") | {"sinks": [{"kind": "discard"}]}))
    command = [sys.executable, "-m", "jobs.score_transactions", "--config", str(file)]
    variables = {"FRAUD__STATE__RESTORE_FROM": "none", "FRAUD__FLINK__LOG_DIRECTORY": str(tmp_path / "logs")}
    subprocess.run(command, env={**os.environ, **variables}, check=True, timeout=240, stderr=subprocess.DEVNULL)

    names = [path.name for path in temporary.iterdir()]
    assert [name for name in names if "flink" in name or "minicluster" in name or "python-dist" in name] == []
    assert not left.exists()
