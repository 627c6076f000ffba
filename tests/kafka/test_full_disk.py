"""The disk of the checkpoints is full for a while: the job decides on, or restarts until there is room; nothing is lost."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jobs.config.checkpoints import newest_checkpoint
from jobs.score_transactions import start
from tests.jobs.event_stream import event_lines
from tests.jobs.outcomes import replayed
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.open_loop import OpenLoop
from tests.kafka.outcomes import counted, events_in_the_log, wait_until
from tests.kafka.topics import Topics
from tests.servers.small_disk import small_disk

RATE = 1_000
FAILED = "Failed to trigger or complete checkpoint"
RESTARTED = "switched from state RESTARTING to RUNNING"
PROMPT_RESTARTS = {
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "1000",
    "restart-strategy.fixed-delay.delay": "100 ms",
}


@pytest.mark.parametrize(
    ("tolerable", "full_seconds"),
    [
        pytest.param(1_000, 4, id="tolerated"),
        pytest.param(2, 4, id="restarts"),
        pytest.param(2, 25, id="restarts for long", marks=pytest.mark.long),
    ],
)
def test_a_full_disk_that_gets_room_again_loses_nothing(
    configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path, tolerable: int, full_seconds: float
) -> None:
    with small_disk(tmp_path / "disk", megabytes=32) as disk:
        checkpoints = disk.directory / "checkpoints"
        config = configure_kafka(
            source={"until": "never"},
            state={
                "checkpoint_dir": str(checkpoints),
                "checkpoint_interval_ms": 300,
                "tolerable_failed_checkpoints": tolerable,
            },
            flink={"extra": PROMPT_RESTARTS},
        )
        log = Path(config.flink.log_directory, "flink.log")
        before = len(log.read_text(errors="replace")) if log.exists() else 0

        def counts(text: str) -> int:
            return log.read_text(errors="replace")[before:].count(text)

        job = start(config)
        with OpenLoop(topics, event_lines(100_000, seed=8), RATE) as stream:
            try:
                wait_until(lambda: newest_checkpoint(str(checkpoints)) is not None, job, 120, "checkpoint")
                disk.fill()
                wait_until(lambda: counts(FAILED) >= 3, job, 60, "failed checkpoints")
                time.sleep(full_seconds)
                failed, restarted = counts(FAILED), counts(RESTARTED)
                newest = newest_checkpoint(str(checkpoints))
                disk.free()
                wait_until(lambda: newest_checkpoint(str(checkpoints)) not in (None, newest), job, 60, "new checkpoint")
                stream.end_after(1_000)
                while not stream.is_over:
                    time.sleep(0.1)
                expected = {name: counted(lines) for name, lines in replayed(config, events_in_the_log(topics)).items()}
                wait_until(
                    lambda: topics.size(topics.decisions) >= expected["decisions"].total(), job, 120, "decisions"
                )
                wait_until(lambda: counted(topics.values(topics.decisions)) >= expected["decisions"], job, 60, "all")
            finally:
                stream.end_after(0)
                job.cancel()

    assert failed > 3
    assert (restarted > 0) == (tolerable < failed)
    for topic, name in ((topics.decisions, "decisions"), (topics.alerts, "alerts"), (topics.flags, "flags")):
        found = counted(topics.values(topic))
        assert set(found) == set(expected[name])
        assert found >= expected[name]
    assert topics.read(topics.dead_letters) == []
