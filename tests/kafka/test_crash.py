"""The whole job process dies mid-stream: what its newest complete checkpoint leads to is as if it had not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.checkpoints import newest_checkpoint
from jobs.environment import start_java
from jobs.score_transactions import start
from tests.jobs.event_stream import event_lines
from tests.jobs.outcomes import replayed
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.open_loop import OpenLoop
from tests.kafka.outcomes import counted, events_in_the_log, wait_until, wait_until_true
from tests.kafka.topics import Topics

RATE = 1_600
EVENTS = 20_000
WARM_UP = 500


@pytest.mark.parametrize("guarantee", ["at-least-once", "exactly-once"])
def test_after_a_sigkill_nothing_is_lost_and_state_is_exact(
    configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path, guarantee: str
) -> None:
    """With at-least-once a decision may be there twice, in identical bytes; with exactly-once no reader sees two."""
    committed = guarantee == "exactly-once"
    checkpoints = tmp_path / "checkpoints"
    sink: dict[str, Any] = {"guarantee": guarantee}
    if committed:
        sink["transactional_id_prefix"] = topics.prefix
    config = configure_kafka(
        source={"until": "never"},
        sink=sink,
        scoring={"log_features": True},
        state={"checkpoint_dir": str(checkpoints), "checkpoint_interval_ms": 500},
    )
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    command = [sys.executable, "-m", "jobs.score_transactions", "--config", str(file)]
    environment = {**os.environ, "FRAUD__FLINK__LOG_DIRECTORY": str(tmp_path / "logs")}

    # A process group of its own: the JVM dies with Python, at the same moment.
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
    lines = event_lines(EVENTS, seed=4)
    topics.send_events(lines[:WARM_UP])
    start_java(config.flink.log_directory)  # this process's own, for the restored job
    try:
        wait_until_true(lambda: topics.size(topics.decisions) > 0, 90, "decisions")
    except AssertionError:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    with OpenLoop(topics, lines[WARM_UP:], RATE) as stream:
        try:
            wait_until_true(lambda: topics.size(topics.decisions) > 6_000, 60, "more decisions")
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert not stream.is_over
        restored = newest_checkpoint(str(checkpoints))
        assert restored is not None
        job = start(config.model_copy(update={"state": config.state.model_copy(update={"restore_from": restored})}))
    assert stream.acknowledged == EVENTS - WARM_UP
    assert stream.achieved_rate >= 1_500

    expected = {topic: counted(lines) for topic, lines in replayed(config, events_in_the_log(topics)).items()}
    try:
        wait_until(
            lambda: counted(topics.values(topics.decisions, committed)) >= expected["decisions"],
            job,
            60,
            "all decisions",
        )
    finally:
        job.cancel()

    for topic, name in ((topics.decisions, "decisions"), (topics.alerts, "alerts")):
        lines = topics.values(topic, committed)
        if committed:
            assert counted(lines) == expected[name]
        else:
            assert set(counted(lines)) == set(expected[name])
            assert counted(lines) >= expected[name]
            assert len(lines) < 1.3 * expected[name].total()
    assert topics.read(topics.dead_letters) == []
