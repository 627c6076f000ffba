"""After SIGKILL of the process, no output is lost or duplicated."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml

from jobs.config.checkpoints import newest_checkpoint
from jobs.score_transactions import run
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.outcomes import by_user, replayed, written_lines

EVENTS = 30_000
TIMEOUT_SECONDS = 90


def test_restoring_after_sigkill_gives_the_same_files(configure: Configure, tmp_path: Path) -> None:
    lines = event_lines(EVENTS, seed=4)
    source = write_events(tmp_path / "events.jsonl", lines)
    checkpoints = tmp_path / "checkpoints"
    config = configure(source, state={"checkpoint_dir": str(checkpoints), "checkpoint_interval_ms": 200})
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    command = [sys.executable, "-m", "jobs.score_transactions", "--config", str(file)]
    environment = {**os.environ, "FRAUD__FLINK__LOG_DIRECTORY": str(tmp_path / "logs")}

    # A process group of its own: the JVM dies with Python, at the same moment.
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not written_lines(tmp_path / "out", "decisions"):  # the first files come with a checkpoint
            assert process.poll() is None, "the job ended before it could be killed"
            assert time.monotonic() < deadline, "there is no checkpoint"
            time.sleep(0.02)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert len(written_lines(tmp_path / "out", "decisions")) < EVENTS * 0.9

    restored = config.model_copy(
        update={"state": config.state.model_copy(update={"restore_from": newest_checkpoint(str(checkpoints))})}
    )
    run(restored)

    expected = replayed(config, lines)
    assert by_user(written_lines(tmp_path / "out", "decisions")) == by_user(expected["decisions"])
    assert by_user(written_lines(tmp_path / "out", "alerts")) == by_user(expected["alerts"])
    assert by_user(written_lines(tmp_path / "out", "flags")) == by_user(expected["flags"])
