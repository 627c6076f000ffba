"""Every source that the conformance suite runs on. A new kind adds its factory to SOURCES, nothing else.

A factory gets the records, puts them where its source finds them, and gives the configuration's section. Servers are real.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from jobs.runtime.connectors import DEFAULT, JARS, VARIABLE
from tests.kafka.topics import Topics
from tests.servers.connectors import fetch_connectors
from tests.servers.kafka_broker import Broker
from tests.servers.moto_server import CREDENTIALS, REGION, MotoServer

SHARDS = 3


class Place(NamedTuple):
    """Where records are: the source's section, and whether the job ends with them."""

    section: dict[str, Any]
    ends: bool


def in_a_file(records: Sequence[bytes], request: pytest.FixtureRequest) -> Place:
    directory: Path = request.getfixturevalue("tmp_path")
    path = directory / "events.jsonl"
    path.write_bytes(b"\n".join(records))
    return Place({"kind": "file", "path": str(path)}, ends=True)


def in_kafka(records: Sequence[bytes], request: pytest.FixtureRequest) -> Place:
    fetch_connectors()
    broker: Broker = request.getfixturevalue("broker")
    topics = Topics(broker.servers, prefix=f"c{uuid4().hex[:8]}.")
    broker.create_topics(SHARDS, topics.events)
    topics.send((_key(record), record) for record in records)
    connection = {"bootstrap_servers": broker.servers}
    section = {"kind": "kafka", "connection": connection, "topics": [topics.events]}
    return Place(section, ends=False)  # with `until: latest` it would after a start, not after a restore


def require_kinesis_connector() -> None:
    """Skip the test where the connector's jar is missing: not every Maven repository has it."""
    directory = Path(os.environ.get(VARIABLE) or DEFAULT)
    if not any(directory.glob(JARS["kinesis"])):
        pytest.skip(
            f"Flink's Kinesis connector ({JARS['kinesis']}) is not in {directory}: the Maven repository has none"
        )


def in_kinesis(records: Sequence[bytes], request: pytest.FixtureRequest) -> Place:
    require_kinesis_connector()
    os.environ.update(CREDENTIALS)
    server: MotoServer = request.getfixturevalue("moto")
    client, name = server.client("kinesis"), f"events-{uuid4().hex[:8]}"
    client.create_stream(StreamName=name, ShardCount=SHARDS)
    for start in range(0, len(records), 500):
        entries = [
            {"Data": record, "PartitionKey": (_key(record) or b"nobody").decode()}
            for record in records[start : start + 500]
        ]
        assert client.put_records(StreamName=name, Records=entries)["FailedRecordCount"] == 0
    arn = client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    assert REGION in arn
    return Place({"kind": "kinesis", "stream_arn": arn, "endpoint": server.endpoint}, ends=False)


def _key(record: bytes) -> bytes | None:
    """What producers key by; what is no event has none."""
    try:
        user = json.loads(record)["user_id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return user.encode() if isinstance(user, str) and user.isascii() and 0 < len(user) < 200 else None


SOURCES: dict[str, Callable[[Sequence[bytes], pytest.FixtureRequest], Place]] = {
    "file": in_a_file,
    "kafka": in_kafka,
    "kinesis": in_kinesis,
}
