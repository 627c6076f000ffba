"""The figures that the alarms on lag and on missing progress read are those of the topic."""

from __future__ import annotations

from pathlib import Path

from jobs.score_transactions import start
from tests.jobs.event_stream import event_lines
from tests.jobs.prometheus import Scrape, free_port, reporter
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.outcomes import wait_until
from tests.kafka.topics import Topics

FLINKS = "flink_taskmanager_job_task_operator_"
EVENTS = 2_000


def test_the_source_reports_how_many_records_wait(
    configure_kafka: ConfigureKafka, topics: Topics, tmp_path: Path
) -> None:
    port = free_port()
    config = configure_kafka(
        source={"until": "never"},
        state={"checkpoint_dir": str(tmp_path / "checkpoints")},
        flink={"extra": reporter(port)},
    )
    topics.send_events(event_lines(EVENTS, seed=15))
    job = start(config)
    try:
        wait_until(lambda: sum(Scrape(port).values("records")) == EVENTS, job, 60, "all records")
        wait_until(lambda: Scrape(port, FLINKS).values("pendingRecords") == [0.0], job, 60, "no pending records")
    finally:
        job.cancel()
