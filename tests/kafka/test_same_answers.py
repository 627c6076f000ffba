"""The same events by the API of a console that decides by itself, by one beside a job, and by a file job: same decisions."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from jobs.config.job import JobConfig
from jobs.score_transactions import run
from tests.conftest import Configure
from tests.console.api.serving import console_process, payment, wait_for
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.job_process import job_process
from tests.jobs.outcomes import written_lines
from tests.kafka.conftest import PARTITIONS, ConfigureKafka
from tests.kafka.test_console_beside_job import until_decided, written
from tests.servers.kafka_broker import Broker

EVENTS = 300
COMPARED = (
    "decision_id", "user_id", "action", "risk_score", "probability", "coverage", "event_time_ms", "amount", "currency",
    "tags", "flags", "summary", "reasons", "model", "rules", "enrichment", "late", "stale_history",
)  # fmt: skip


def events() -> list[bytes]:
    """Payments, logins, changes and labels of few users; repeats get the first answer, and are left out."""
    return list(dict.fromkeys(event_lines(EVENTS, seed=31, users=12)))


def compared(decisions: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What the decision of each transaction says; what a record leaves out is as it is in an answer."""
    empty: dict[str, Any] = {"tags": [], "flags": [], "reasons": [], "late": False, "stale_history": False}
    return {
        one["transaction_id"]: {name: one.get(name, empty.get(name)) for name in COMPARED} for one in decisions
    }  # fmt: skip


def answered(url: str, lines: list[bytes]) -> dict[str, dict[str, Any]]:
    """The answers to all payments, sent one after the other."""
    answers: list[dict[str, Any]] = []
    with httpx.Client(base_url=url, timeout=60) as client:
        until_decided(
            lambda one: client.post("/v1/decisions", json=one), payment(user_id="first")
        )  # a job takes a while
        for line in lines:
            event = json.loads(line)
            if "type" in event:
                assert client.post("/v1/events", json=event).status_code in (200, 202)
                continue
            answer = client.post("/v1/decisions", json=event)
            assert answer.status_code == 200, answer.text
            assert answer.json()["degraded"] is None
            answers.append(answer.json())
    return compared(answers)


def test_the_api_both_ways_and_a_file_job_make_the_same_decisions(
    broker: Broker, configure_kafka: ConfigureKafka, configure: Configure, bundle: Path, tmp_path: Path
) -> None:
    lines = events()
    run(configure(write_events(tmp_path / "events.jsonl", lines)))
    by_file = compared(
        record
        for record in map(json.loads, written_lines(tmp_path / "out", "decisions"))
        if record["type"] == "decision"
    )
    assert len(by_file) > 200
    assert len({one["action"] for one in by_file.values()}) > 1

    embedded = tmp_path / "embedded"
    embedded.mkdir()
    with console_process(embedded, "--bundle", str(bundle)) as (_, url):
        assert answered(url, lines) == by_file

    replies = f"replies-{uuid4().hex[:8]}"
    broker.create_topics(PARTITIONS, replies)
    beside = tmp_path / "beside"
    beside.mkdir()
    config: JobConfig = configure_kafka(
        source={"until": "never"},
        replies={"kind": "kafka", "connection": {"bootstrap_servers": broker.servers}, "topic": replies},
    )
    file = written(config, beside / "job.yaml")
    with (
        job_process(config, beside / "job"),
        console_process(beside, "--config", str(file), "--deadline-ms", "20000") as (_, url),
    ):
        wait_for(lambda: httpx.get(f"{url}/readyz").status_code == 200, 120)
        assert answered(url, lines) == by_file
