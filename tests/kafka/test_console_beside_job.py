"""`fraud console --config` beside a running job: its decisions by HTTP and in the store, also across a kill of the job."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import yaml

from jobs.config.job import JobConfig
from tests.console.api.serving import console_process, payment, stored, wait_for
from tests.jobs.job_process import job_process
from tests.kafka.conftest import PARTITIONS, ConfigureKafka
from tests.servers.kafka_broker import Broker

PROBLEM = "application/problem+json"
Decide = Callable[[dict[str, Any]], httpx.Response]


def written(config: JobConfig, path: Path) -> Path:
    path.write_text(yaml.safe_dump(config.model_dump(mode="json")))
    return path


def until_decided(decide: Decide, event: dict[str, Any]) -> dict[str, Any]:
    """The decision of the event, which is sent until it is there."""
    found: list[dict[str, Any]] = []

    def is_decided() -> bool:
        answer = decide(event)
        if answer.status_code == 200 and answer.json()["degraded"] is None:
            found.append(answer.json())
        return bool(found)

    wait_for(is_decided, 180)
    return found[0]


def test_a_job_decides_for_callers_of_the_console(
    broker: Broker, configure_kafka: ConfigureKafka, tmp_path: Path
) -> None:
    replies = f"replies-{uuid4().hex[:8]}"
    broker.create_topics(PARTITIONS, replies)

    def configuration(restore_from: str) -> JobConfig:
        return configure_kafka(
            source={"until": "never"},
            replies={"kind": "kafka", "connection": {"bootstrap_servers": broker.servers}, "topic": replies},
            state={
                "checkpoint_dir": str(tmp_path / "checkpoints"),
                "checkpoint_interval_ms": 500,
                "restore_from": restore_from,
            },
        )

    config = configuration("newest-or-none")
    file = written(config, tmp_path / "job.yaml")
    with (
        console_process(tmp_path, "--config", str(file), "--deadline-ms", "400") as (_, url),
        httpx.Client(base_url=url, timeout=30) as client,
    ):

        def decide(event: dict[str, Any]) -> httpx.Response:
            return client.post("/v1/decisions", json=event)

        first = payment()
        before = decide(first)  # no job yet: the fallback
        assert before.status_code == 200
        assert (before.json()["action"], before.json()["degraded"]) == ("refer_to_analyst", "timeout")
        refused = [answer for answer in (decide(payment()) for _ in range(4)) if answer.status_code == 503]
        assert refused
        assert refused[-1].headers["content-type"] == PROBLEM
        assert int(refused[-1].headers["retry-after"]) >= 1

        with job_process(config, tmp_path / "job") as job:
            decision = until_decided(decide, first)
            assert decision["repeated"] is True  # it had been sent, and was decided when the job came
            fresh = payment()
            answer = until_decided(decide, fresh)
            again = decide(fresh).json()
            assert (again["action"], again["risk_score"], again["repeated"]) == (
                answer["action"], answer["risk_score"], True,
            )  # fmt: skip
            assert decide({**fresh, "amount": 26.0}).status_code == 409
            record = stored(client, answer["decision_id"])
            assert (record["action"], record["risk_score"]) == (answer["action"], answer["risk_score"])
            login = {"type": "login", "event_id": "L1", "user_id": "U1", "timestamp": fresh["timestamp"]}
            assert client.post("/v1/events", json=login).status_code == 202
            time.sleep(1.5)  # a checkpoint, so that the answers above are in the restored state
            job.kill()

        with job_process(config, tmp_path / "job-again"):
            assert until_decided(decide, payment())["repeated"] in (True, False)
            repeated = until_decided(decide, fresh)
            assert (repeated["action"], repeated["risk_score"]) == (answer["action"], answer["risk_score"])
            wait_for(lambda: client.get("/readyz").status_code == 200)
            timeline = client.get("/v1/users/U1/timeline").json()["items"]
            assert "L1" in json.dumps(timeline)

            erased = client.post("/v1/erasures", json={"user_id": "U1"})
            assert erased.status_code == 200, erased.text
            assert erased.json()["removed"]["decisions"] >= 2
            assert {f"Kafka topic {replies}", "checkpoints", "PostgreSQL", "the store's file"} - {
                place["where"] for place in erased.json()["held"]
            } == {"PostgreSQL"}
            anew = until_decided(decide, fresh)
            assert anew["repeated"] is False
            wait_for(lambda: client.get("/readyz").json()["store_lag_records"] == 0)
            assert client.get("/v1/users/U1/timeline").json()["items"] == []
            assert client.get("/v1/audit").json()["items"][0]["after"] == erased.json()["removed"]
