"""SNS responds slowly: alerts are buffered in the publisher's state, without delaying decisions or checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.aws.alert_queue import AlertQueue
from tests.jobs.event_stream import event_lines
from tests.jobs.job_process import checkpoint_number, job_process
from tests.jobs.outcomes import replayed
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.outcomes import events_in_the_log
from tests.kafka.topics import Topics
from tests.servers.moto_server import MotoServer
from tests.servers.slow_proxy import slow_proxy

EVENTS = 3_000
DELAY_S = 0.6
PATIENT_MS = 10_000

pytestmark = pytest.mark.long  # a process of its own: the proxy's threads are Python's, too


def test_a_slow_topic_delays_neither_decisions_nor_checkpoints(
    configure_kafka: ConfigureKafka, topics: Topics, moto: MotoServer, queue: AlertQueue, tmp_path: Path
) -> None:
    checkpoints = tmp_path / "checkpoints"
    topics.send_events(event_lines(EVENTS, seed=8))
    with slow_proxy(moto.port, DELAY_S) as endpoint:
        sink = {"kind": "sns", "topic_arn": queue.topic_arn, "endpoint": endpoint, "timeout_ms": PATIENT_MS}
        config = configure_kafka(
            source={"until": "never"},
            more_sinks=[sink],
            state={"checkpoint_dir": str(checkpoints), "checkpoint_interval_ms": 500},
        )
        expected = replayed(config, events_in_the_log(topics))
        with job_process(config, tmp_path / "job") as job:
            decisions = len(expected["decisions"])
            job.wait_until(lambda: topics.size(topics.decisions) >= decisions, 180, "decisions")
            number, published = checkpoint_number(checkpoints), queue.size()
            job.wait_until(lambda: checkpoint_number(checkpoints) >= number + 5, 20, "checkpoints")
            assert published < queue.size() < len(expected["alerts"]) / 2
