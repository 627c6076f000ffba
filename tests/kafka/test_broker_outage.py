"""The broker is away for a while, once dead and once silent; the job waits for it and loses nothing.

The short outage lasts twice the clients' time-outs, which are lowered for it: requests time out and are sent again. The
long one (`make test-long`) is of 20 seconds with the job's own time-outs.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NamedTuple

import pytest

from jobs.score_transactions import start
from tests.jobs.event_stream import event_lines
from tests.jobs.outcomes import replayed
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.open_loop import OpenLoop
from tests.kafka.outcomes import counted, events_in_the_log, wait_until
from tests.kafka.topics import Topics
from tests.servers.kafka_broker import Broker

RATE = 1_500


class Outage(NamedTuple):
    dead_seconds: float
    silent_seconds: float
    events: int
    time_outs: dict[str, str]


SHORT_TIME_OUTS = {"request.timeout.ms": "2000", "socket.connection.setup.timeout.ms": "1000"}
SHORT = Outage(dead_seconds=4, silent_seconds=4, events=18_000, time_outs=SHORT_TIME_OUTS)
LONG = Outage(dead_seconds=20, silent_seconds=8, events=48_000, time_outs={})


@pytest.mark.parametrize(
    "outage", [pytest.param(SHORT, id="short"), pytest.param(LONG, id="long", marks=pytest.mark.long)]
)
def test_while_the_broker_is_dead_and_while_it_is_silent_nothing_is_lost(
    configure_kafka: ConfigureKafka, broker: Broker, topics: Topics, tmp_path: Path, outage: Outage
) -> None:
    config = configure_kafka(
        source={"until": "never", "properties": outage.time_outs},
        sink={"properties": outage.time_outs},
        state={"checkpoint_dir": str(tmp_path / "checkpoints"), "checkpoint_interval_ms": 500},
        flink={"restart_attempts": 20},
    )
    job = start(config)
    with OpenLoop(topics, event_lines(outage.events, seed=5), RATE) as stream:
        wait_until(lambda: topics.size(topics.decisions) > 1_000, job, 60, "decisions")
        broker.kill()
        time.sleep(outage.dead_seconds)
        broker.start()
        decided = topics.size(topics.decisions)
        wait_until(lambda: topics.size(topics.decisions) > decided + 100, job, 60, "decisions after the death")
        broker.pause()
        time.sleep(outage.silent_seconds)
        broker.go_on()
    assert stream.acknowledged == outage.events

    expected = {topic: counted(lines) for topic, lines in replayed(config, events_in_the_log(topics)).items()}
    try:
        wait_until(lambda: topics.size(topics.decisions) >= expected["decisions"].total(), job, 60, "as many decisions")
        wait_until(lambda: counted(topics.values(topics.decisions)) >= expected["decisions"], job, 60, "all decisions")
    finally:
        job.cancel()

    for topic, name in ((topics.decisions, "decisions"), (topics.alerts, "alerts"), (topics.flags, "flags")):
        found = counted(topics.values(topic))
        assert set(found) == set(expected[name])
        assert found >= expected[name]
    assert topics.read(topics.dead_letters) == []
