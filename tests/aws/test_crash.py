"""DynamoDB, SNS and checkpoints on S3 in one job that dies mid-stream, against the same input in memory and files."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from jobs.config.job import JobConfig
from tests.aws.alert_queue import AlertQueue
from tests.aws.reference import COUNTRIES, RARE_ALERTS, fill_store, write_reference
from tests.conftest import Configure
from tests.contracts.store_factories import dynamodb_settings
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.job_process import job_process
from tests.jobs.outcomes import by_user, replayed, written_lines
from tests.servers.moto_server import MotoServer

EVENTS = 12_000
PATIENT_MS = 10_000

pytestmark = pytest.mark.long  # a job killed and restored with everything on emulators


def test_after_a_sigkill_every_alert_reaches_the_queue_and_state_is_exact(
    configure: Configure, moto: MotoServer, queue: AlertQueue, bucket: str, tmp_path: Path
) -> None:
    lines = event_lines(EVENTS, seed=4)
    source = write_events(tmp_path / "events.jsonl", lines)
    reference = write_reference(tmp_path / "reference")
    store = dynamodb_settings()
    fill_store(store, reference)

    def config(**state: str) -> JobConfig:
        sections: dict[str, Any] = {
            "scoring": {"thresholds": RARE_ALERTS},
            "sinks": [
                {"kind": "files", "directory": str(tmp_path / "out")},
                {"kind": "sns", "topic_arn": queue.topic_arn, "endpoint": moto.endpoint, "timeout_ms": PATIENT_MS},
            ],
            "store": {
                "kind": "dynamodb", "region": store.region, "endpoint": store.endpoint, "table_prefix": store.table_prefix,
                "timeout_ms": PATIENT_MS, "connect_timeout_ms": PATIENT_MS, "patience_ms": PATIENT_MS,
            },
            "s3": {"endpoint": moto.endpoint, "path_style": True},
            "state": {"checkpoint_dir": f"s3://{bucket}/checkpoints", "checkpoint_interval_ms": 300, **state},
        }  # fmt: skip
        return configure(source, **sections)

    def under_way() -> bool:
        return queue.size() > 20 and bool(written_lines(tmp_path / "out", "decisions"))  # files end with a checkpoint

    with job_process(config(), tmp_path / "killed") as job:
        job.wait_until(under_way, 120, "alerts and a checkpoint")
        job.kill()
    assert len(written_lines(tmp_path / "out", "decisions")) < EVENTS * 0.9

    with job_process(config(restore_from=f"s3://{bucket}/checkpoints"), tmp_path / "restored") as job:  # the newest
        job.wait_for_the_end(240)

    in_memory = configure(
        source, scoring={"reference": str(reference), "thresholds": RARE_ALERTS}, sinks=[{"kind": "discard"}]
    )
    expected = replayed(in_memory, lines)
    assert by_user(written_lines(tmp_path / "out", "decisions")) == by_user(expected["decisions"])
    assert by_user(written_lines(tmp_path / "out", "alerts")) == by_user(expected["alerts"])
    received = Counter(message.body.encode() for message in queue.take_all())
    assert set(received) == set(expected["alerts"])
    assert len({json.loads(alert)["alert_id"] for alert in received}) == len(received)  # twice: in the same bytes
    assert {json.loads(alert).get("user_country") for alert in received} == {None, *COUNTRIES}
    assert received.total() < 1.5 * len(received)
