"""Whole job processes die mid-stream: what their newest complete checkpoints lead to is as if they had not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.config.checkpoints import newest_checkpoint
from jobs.config.job import JobConfig
from tests.jobs.event_stream import event_lines
from tests.jobs.outcomes import replayed
from tests.kafka.conftest import PARTITIONS, ConfigureKafka
from tests.kafka.open_loop import OpenLoop
from tests.kafka.outcomes import counted, events_in_the_log, wait_until_true
from tests.kafka.topics import Topics
from tests.servers.kafka_broker import Broker

RATE = 1_600
EVENTS = 60_000
WARM_UP = 1_000
DECIDED_BEFORE_THE_KILL = 3_000
AFTER_THE_RESTORE = 3_000


@pytest.mark.long
def test_after_a_sigkill_nothing_is_lost_and_state_is_exact(
    configure_kafka: ConfigureKafka, broker: Broker, topics: Topics, tmp_path: Path
) -> None:
    """Two jobs read the same stream, one a guarantee, and die at the same moment.

    With at-least-once a decision may be there twice, in identical bytes; with exactly-once no reader sees two.
    """
    once_topics = Topics(topics.servers, f"{topics.prefix}once.")
    broker.create_topics(PARTITIONS, *once_topics.names())
    at_least_once = configure(configure_kafka, tmp_path / "at-least-once")
    exactly_once = configure(
        configure_kafka,
        tmp_path / "exactly-once",
        topic_prefix=once_topics.prefix,
        guarantee="exactly-once",
        transactional_id_prefix=topics.prefix,
    )
    both = (at_least_once, exactly_once)

    lines = event_lines(EVENTS, seed=4)
    stack = ExitStack()
    with stack, processes(both, tmp_path / "1") as kill:
        topics.send_events(lines[:WARM_UP])
        for outputs in (topics, once_topics):
            wait_until_true(lambda at=outputs: at.size(at.decisions) > 0, 240, "decisions")  # type: ignore[misc]
        with OpenLoop(topics, lines[WARM_UP:], RATE) as stream:
            for outputs in (topics, once_topics):
                decided = lambda at=outputs: at.size(at.decisions) > DECIDED_BEFORE_THE_KILL  # type: ignore[misc]  # noqa: E731
                wait_until_true(decided, 180, "more decisions")
            kill()
            assert not stream.is_over
            restored = stack.enter_context(
                processes([from_newest_checkpoint(config) for config in both], tmp_path / "2")
            )
            stream.end_after(AFTER_THE_RESTORE)
        assert stream.acknowledged == stream.sent
        assert stream.achieved_rate >= 1_500

        log = events_in_the_log(topics)
        expected = {topic: counted(outputs) for topic, outputs in replayed(at_least_once, log).items()}
        wait_for_all(topics, False, expected["decisions"])
        wait_for_all(once_topics, True, expected["decisions"])
        restored()

    for topic, name in ((topics.decisions, "decisions"), (topics.alerts, "alerts"), (topics.flags, "flags")):
        written = counted(topics.values(topic))
        assert set(written) == set(expected[name])
        assert written >= expected[name]
        assert written.total() < 1.8 * expected[name].total()
    for topic, name in (
        (once_topics.decisions, "decisions"),
        (once_topics.alerts, "alerts"),
        (once_topics.flags, "flags"),
    ):
        assert counted(once_topics.values(topic, committed=True)) == expected[name]
    assert topics.read(topics.dead_letters) == once_topics.read(once_topics.dead_letters) == []


def configure(configure_kafka: ConfigureKafka, directory: Path, **sink: Any) -> JobConfig:
    return configure_kafka(
        source={"until": "never"},
        sink=sink,
        scoring={"log_features": True},
        state={"checkpoint_dir": str(directory), "checkpoint_interval_ms": 500},
    )


@contextmanager
def processes(configs: Sequence[JobConfig], directory: Path) -> Iterator[Any]:
    """The jobs in processes of their own; yields what kills them all, which also happens at the end."""
    running: list[subprocess.Popen[bytes]] = []

    def kill() -> None:
        for process in running:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        for process in running:
            process.wait()

    directory.mkdir()
    try:
        for number, config in enumerate(configs):
            file = directory / f"job-{number}.yaml"
            file.write_text(yaml.safe_dump(config.model_dump(mode="json")))
            command = [sys.executable, "-m", "jobs.score_transactions", "--config", str(file)]
            environment = {**os.environ, "FRAUD__FLINK__LOG_DIRECTORY": str(directory / f"logs-{number}")}
            # A process group of its own: the JVM dies with Python, at the same moment.
            running.append(
                subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
            )
        yield kill
    finally:
        kill()


def from_newest_checkpoint(config: JobConfig) -> JobConfig:
    newest = newest_checkpoint(str(config.state.checkpoint_dir))
    assert newest is not None
    return config.model_copy(update={"state": config.state.model_copy(update={"restore_from": newest})})


def wait_for_all(topics: Topics, committed: bool, expected: Counter[bytes]) -> None:
    """First by size, which is cheap to ask for, then by content."""
    wait_until_true(lambda: topics.size(topics.decisions) >= expected.total(), 120, "as many decisions")
    wait_until_true(lambda: counted(topics.values(topics.decisions, committed)) >= expected, 60, "all decisions")
