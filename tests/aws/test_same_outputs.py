"""One input on two platforms that have no part in common: only the configuration differs, and where a record came from.

Kafka -> Redis -> Kafka | file -> DynamoDB -> files and SNS
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from jobs.score_transactions import run
from tests.aws.alert_queue import AlertQueue
from tests.aws.reference import COUNTRIES, RARE_ALERTS, fill_store, write_reference
from tests.conftest import Configure
from tests.contracts.store_factories import PATIENT_MS, dynamodb_settings, redis_settings
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.outcomes import written_lines
from tests.kafka.conftest import ConfigureKafka
from tests.kafka.outcomes import counted, in_order_of_each_user
from tests.kafka.topics import Topics
from tests.servers.moto_server import MotoServer

EVENTS = 2_000
SCORING = {"log_features": True, "thresholds": RARE_ALERTS}
PATIENT = {"timeout_ms": PATIENT_MS, "connect_timeout_ms": PATIENT_MS}


def test_two_platforms_make_the_same_decisions_and_alerts(
    configure_kafka: ConfigureKafka,
    configure: Configure,
    topics: Topics,
    moto: MotoServer,
    queue: AlertQueue,
    tmp_path: Path,
) -> None:
    lines = event_lines(EVENTS, seed=12)
    reference = write_reference(tmp_path / "reference")
    redis, dynamodb = redis_settings(), dynamodb_settings()
    fill_store(redis, reference)
    fill_store(dynamodb, reference)
    topics.send_events(lines)
    in_redis: dict[str, Any] = {"kind": "redis", "port": redis.port, "namespace": redis.namespace, **PATIENT}
    in_dynamodb: dict[str, Any] = {
        "kind": "dynamodb", "region": dynamodb.region, "endpoint": dynamodb.endpoint,
        "table_prefix": dynamodb.table_prefix, "patience_ms": PATIENT_MS, **PATIENT,
    }  # fmt: skip
    sinks = [
        {"kind": "files", "directory": str(tmp_path / "out")},
        {"kind": "sns", "topic_arn": queue.topic_arn, "endpoint": moto.endpoint, "timeout_ms": PATIENT_MS},
    ]

    run(configure_kafka(store=in_redis, scoring=SCORING, flink={"parallelism": 2}))
    run(configure(write_events(tmp_path / "events.jsonl", lines), store=in_dynamodb, scoring=SCORING, sinks=sinks))

    decisions = topics.values(topics.decisions)
    files = written_lines(tmp_path / "out", "decisions")
    assert in_order_of_each_user(files) == in_order_of_each_user(decisions)
    assert len(decisions) > EVENTS * 0.8
    by_type: dict[str, list[Any]] = defaultdict(list)
    for decision in map(json.loads, decisions):
        by_type[decision["type"]].append(decision)
    assert by_type.keys() == {"decision", "duplicate"}
    assert {decision["enrichment"] for decision in by_type["decision"]} == {"ok"}
    alerts = topics.values(topics.alerts)
    published = [message.body.encode() for message in queue.take_all()]
    assert counted(published) == counted(alerts)
    assert len(alerts) > EVENTS * 0.02
    assert {json.loads(alert).get("user_country") for alert in alerts} >= set(COUNTRIES)  # known from the stores alone
    assert topics.read(topics.dead_letters) == written_lines(tmp_path / "out", "dead-letters") == []
