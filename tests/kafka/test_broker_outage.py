"""The broker is away for a while, once dead and once silent; the job waits for it and loses nothing."""

from __future__ import annotations

import time
from pathlib import Path

from jobs.score_transactions import start
from tests.jobs.event_stream import event_lines
from tests.jobs.outcomes import replayed
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.open_loop import OpenLoop
from tests.kafka.outcomes import counted, events_in_the_log, wait_until
from tests.kafka.topics import Topics
from tests.servers.kafka_broker import Broker

RATE = 1_500
EVENTS = 48_000
DEAD_SECONDS, SILENT_SECONDS = 20, 8


def test_while_the_broker_is_dead_and_while_it_is_silent_nothing_is_lost(
    configure_kafka: ConfigureKafka, broker: Broker, topics: Topics, tmp_path: Path
) -> None:
    config = configure_kafka(
        source={"until": "never"},
        state={"checkpoint_dir": str(tmp_path / "checkpoints"), "checkpoint_interval_ms": 500},
        flink={"restart_attempts": 20},
    )
    job = start(config)
    with OpenLoop(topics, event_lines(EVENTS, seed=5), RATE) as stream:
        wait_until(lambda: topics.size(topics.decisions) > 1_500, job, 60, "decisions")
        broker.kill()
        time.sleep(DEAD_SECONDS)
        broker.start()
        decided = topics.size(topics.decisions)
        wait_until(lambda: topics.size(topics.decisions) > decided + 100, job, 60, "decisions after the death")
        broker.pause()
        time.sleep(SILENT_SECONDS)
        broker.go_on()
    assert stream.acknowledged == EVENTS

    expected = {topic: counted(lines) for topic, lines in replayed(config, events_in_the_log(topics)).items()}
    try:
        wait_until(lambda: counted(topics.values(topics.decisions)) >= expected["decisions"], job, 60, "all decisions")
    finally:
        job.cancel()

    for topic, name in ((topics.decisions, "decisions"), (topics.alerts, "alerts")):
        found = counted(topics.values(topic))
        assert set(found) == set(expected[name])
        assert found >= expected[name]
    assert topics.read(topics.dead_letters) == []
