"""On the managed platform, the publisher's metrics are registered in the group that is forwarded to CloudWatch."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jobs.score_transactions import start
from tests.aws.alert_queue import AlertQueue
from tests.conftest import Configure
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.interruption import wait_for_records
from tests.jobs.managed_platform import TAKEN, run_as_managed
from tests.jobs.outcomes import replayed
from tests.jobs.prometheus import Scrape, free_port
from tests.servers.moto_server import MotoServer

EVENTS = 1_000
PATIENCE_SECONDS = 60


def test_publisher_metrics_of_a_managed_job_are_in_the_forwarded_group(
    configure: Configure, moto: MotoServer, queue: AlertQueue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = event_lines(EVENTS, seed=2)
    directory, port = tmp_path / "control", free_port()
    directory.mkdir()
    config = configure(
        write_events(tmp_path / "events.jsonl", lines),
        sinks=[{"kind": "discard"}, {"kind": "sns", "topic_arn": queue.topic_arn, "endpoint": moto.endpoint}],
        flink={"managed": True},
        control={"kind": "file", "path": str(directory), "poll_interval_ms": 50},  # watched: the job runs on
    )
    alerts = len(replayed(config, lines)["alerts"])
    run_as_managed(monkeypatch, 1, port)

    job = start(config)
    wait_for_records(job, EVENTS)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while queue.size() < alerts or sum(Scrape(port, TAKEN).values("fraud_alerts_waiting")):
        assert time.monotonic() < deadline, "alerts are not published"
        time.sleep(0.1)
    taken, left = Scrape(port, TAKEN), Scrape(port)
    job.stop_with_savepoint(str(tmp_path / "savepoints"))

    assert alerts > 50
    assert taken.values("fraud_alerts_published") == [alerts]
    assert taken.values("fraud_alerts_refused") == taken.values("fraud_alerts_failures") == [0]
    assert taken.values("fraud_alerts_waiting") == [0]
    assert left.values("alerts_retried") == [0]
    assert {name for name in left.names() if name.startswith("alerts")} == {"alerts_retried"}
