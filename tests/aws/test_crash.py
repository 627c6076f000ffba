"""DynamoDB, SNS and checkpoints on S3 in one job that dies mid-stream, against the same input in memory and files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.config import JobConfig
from jobs.score_transactions import run
from tests.aws.alert_queue import AlertQueue
from tests.aws.reference import COUNTRIES, fill_store, write_reference
from tests.conftest import Configure
from tests.contracts.store_factories import dynamodb_settings
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.outcomes import by_user, replayed, written_lines
from tests.kafka.outcomes import wait_until_true
from tests.servers.moto_server import MotoServer

EVENTS = 15_000
PATIENT_MS = 10_000

pytestmark = pytest.mark.long  # a job killed and restored with everything on emulators


def complete_checkpoints(moto: MotoServer, bucket: str) -> set[str]:
    found = moto.client("s3").list_objects_v2(Bucket=bucket, Prefix="checkpoints/").get("Contents", [])
    return {one["Key"] for one in found if one["Key"].endswith("/_metadata")}


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

    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(config().model_dump(mode="json")))
    command = [sys.executable, "-m", "jobs.score_transactions", "--config", str(file)]
    environment = {**os.environ, "FRAUD__FLINK__LOG_DIRECTORY": str(tmp_path / "logs")}

    def under_way() -> bool:
        assert process.poll() is None, f"the job ended: {process.communicate()[1].decode()[-2000:]}"
        return bool(complete_checkpoints(moto, bucket)) and queue.size() > 20

    # A process group of its own: the JVM dies with Python, at the same moment.
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, start_new_session=True)
    try:
        wait_until_true(under_way, 300, "alerts")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert len(written_lines(tmp_path / "out", "decisions")) < EVENTS * 0.9

    run(config(restore_from=f"s3://{bucket}/checkpoints"))  # its newest complete one

    in_memory = configure(source, scoring={"reference": str(reference)}, sinks=[{"kind": "discard"}])
    expected = replayed(in_memory, lines)
    assert by_user(written_lines(tmp_path / "out", "decisions")) == by_user(expected["decisions"])
    assert by_user(written_lines(tmp_path / "out", "alerts")) == by_user(expected["alerts"])
    received = Counter(message.body.encode() for message in queue.take_all())
    assert set(received) == set(expected["alerts"])
    assert len({json.loads(alert)["alert_id"] for alert in received}) == len(received)  # twice: in the same bytes
    assert {json.loads(alert).get("user_country") for alert in received} == {None, *COUNTRIES}
    assert received.total() < 1.5 * len(received)
