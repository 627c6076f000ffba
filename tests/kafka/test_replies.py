"""Replies of a running job: each caller gets its own, as the decision says, at least once, also beside transactions."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from console.answers.kafka import KafkaAnswers
from console.answers.port import Answer, EventRefused, OtherContent, Unavailable
from jobs.runtime.running import RunningJob
from jobs.score_transactions import start
from tests.kafka.conftest import PARTITIONS, ConfigureKafka
from tests.kafka.topics import Topics
from tests.servers.kafka_broker import Broker
from udfs.records.outputs import Decision, decode_result

START = 1_767_225_600_000
DEADLINE_SECONDS = 5.0


def payment(transaction_id: str, user_id: str = "U1", **fields: Any) -> bytes:
    known = {"transaction_id": transaction_id, "user_id": user_id, "timestamp": START, "amount": 20.0, "country": "US"}
    return json.dumps(known | fields).encode()


@pytest.fixture
def replies(broker: Broker) -> str:
    topic = f"replies-{uuid4().hex[:8]}"
    broker.create_topics(PARTITIONS, topic)
    return topic


def answers_of(broker: Broker, topics: Topics, replies: str) -> KafkaAnswers:
    client = {"bootstrap.servers": broker.servers}
    return KafkaAnswers(topics.events, replies, client, client, DEADLINE_SECONDS, time.monotonic)


@pytest.fixture(params=["at-least-once", "exactly-once"])
def job(
    broker: Broker,
    topics: Topics,
    replies: str,
    configure_kafka: ConfigureKafka,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[RunningJob]:
    sink = {"guarantee": request.param}
    if request.param == "exactly-once":
        sink["transactional_id_prefix"] = replies
    config = configure_kafka(
        source={"until": "never"},
        sink=sink,
        replies={"kind": "kafka", "connection": {"bootstrap_servers": broker.servers}, "topic": replies},
        state={"checkpoint_dir": str(tmp_path / "checkpoints"), "checkpoint_interval_ms": 60_000},
    )
    running = start(config)
    yield running
    running.cancel()


def test_each_caller_gets_its_reply(job: RunningJob, broker: Broker, topics: Topics, replies: str) -> None:
    async def ask() -> None:
        one, other = answers_of(broker, topics, replies), answers_of(broker, topics, replies)
        try:
            first = await asyncio.wait_for(one.decide(payment("T0")), 60)  # the job is still starting
            found = await asyncio.gather(
                *(one.decide(payment(f"A{number}", f"U{number % 7}")) for number in range(60)),
                *(other.decide(payment(f"B{number}", f"U{number % 5}")) for number in range(60)),
            )
            names = [*(f"A{number}" for number in range(60)), *(f"B{number}" for number in range(60))]
            assert [answer.transaction_id for answer in found] == names
            assert all(answer.decision is not None and answer.decision.features is None for answer in found)

            repeat = await other.decide(payment("T0"))
            assert repeat == Answer(
                user_id="U1", transaction_id="T0", action=first.action, risk_score=first.risk_score, repeated=True
            )
            with pytest.raises(OtherContent):
                await one.decide(payment("T0", amount=21.0))
            with pytest.raises(EventRefused, match="future"):
                await one.decide(payment("T1", timestamp=int(time.time() * 1_000) + 3_600_000))
            login = {"type": "login", "event_id": "E1", "user_id": "U1", "timestamp": START}
            assert await one.accept(json.dumps(login).encode()) == "E1"
            assert one.is_ready()
            assert one.lag_seconds() < 1
        finally:
            await one.close()
            await other.close()
        await compare([first, *found])

    async def compare(answers: list[Answer]) -> None:
        """The replies say what the topic of decisions says, once that is flushed."""
        deadline = time.monotonic() + 30
        while True:
            records = [decode_result(value) for value in await asyncio.to_thread(topics.values, topics.decisions)]
            decided = {record.transaction_id: record for record in records if isinstance(record, Decision)}
            if len(decided) >= len(answers):
                break
            assert time.monotonic() < deadline
            await asyncio.sleep(0.5)
        for answer in answers:
            without = {"features": None, "feature_set": msgspec.UNSET, "features_packed": msgspec.UNSET}
            assert answer.decision == msgspec.structs.replace(decided[answer.transaction_id], **without)

    asyncio.run(ask())


def test_without_a_job_callers_are_refused_at_once_after_the_deadline(
    broker: Broker, topics: Topics, replies: str
) -> None:
    async def ask() -> None:
        client = {"bootstrap.servers": broker.servers}
        answers = KafkaAnswers(topics.events, replies, client, client, 0.5, time.monotonic)
        try:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(answers.decide(payment("T0")), 1.0)
            with pytest.raises(TimeoutError):  # the probe
                await asyncio.wait_for(answers.decide(payment("T1")), 0.2)
            began = time.monotonic()
            with pytest.raises(Unavailable, match="behind") as refused:
                await answers.decide(payment("T2"))
            assert time.monotonic() - began < 0.1
            assert 1 <= refused.value.retry_after_seconds <= 3
            assert not answers.is_ready()
        finally:
            await answers.close()
        login = {"type": "login", "event_id": "E1", "user_id": "U1", "timestamp": START}
        with pytest.raises(Unavailable, match="stopping"):
            await answers.accept(json.dumps(login).encode())

    asyncio.run(ask())


def test_records_without_the_header_get_no_reply(job: RunningJob, broker: Broker, topics: Topics, replies: str) -> None:
    topics.send_events([payment("T0"), payment("T1")])
    deadline = time.monotonic() + 60
    while topics.size(topics.decisions) < 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert topics.values(replies) == []
