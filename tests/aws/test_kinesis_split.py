"""A shard is split while events are sent: each user's events stay in their order, in the stream and in the job."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner

from cli.main import main
from jobs.score_transactions import start
from tests.conftest import Configure
from tests.contracts.source_factories import require_kinesis_connector
from tests.jobs.event_stream import event_lines, write_events
from tests.jobs.outcomes import by_user, replayed, written_lines
from tests.kafka.outcomes import wait_until
from tests.servers.moto_server import MotoServer

EVENTS = 1_200


@pytest.fixture
def stream(moto: MotoServer, tmp_path: Path) -> str:
    """Of one shard with the first half of the events, split, with the other half in its children."""
    client, name, lines = moto.client("kinesis"), f"events-{uuid4().hex[:8]}", event_lines(EVENTS, seed=21)
    client.create_stream(StreamName=name, ShardCount=1)
    produce(moto, name, write_events(tmp_path / "first.jsonl", lines[: EVENTS // 2]))
    (parent,) = shards_of(client, name)
    middle = (int(parent["HashKeyRange"]["EndingHashKey"]) + 1) // 2
    client.split_shard(StreamName=name, ShardToSplit=parent["ShardId"], NewStartingHashKey=str(middle))
    produce(moto, name, write_events(tmp_path / "second.jsonl", lines[EVENTS // 2 :]))
    return name


def produce(moto: MotoServer, stream: str, events: Path) -> None:
    arguments = ["produce", "--to", "kinesis", "--stream", stream, "--endpoint", moto.endpoint, "--region", "us-east-1"]
    done = CliRunner().invoke(main, [*arguments, "--events", str(events), "--rate", "5000"])
    assert done.exit_code == 0, done.output


def shards_of(client: Any, stream: str) -> list[dict[str, Any]]:
    shards: list[dict[str, Any]] = client.list_shards(StreamName=stream)["Shards"]
    return shards


def test_after_a_split_parent_and_children_hold_each_users_events_in_order(moto: MotoServer, stream: str) -> None:
    """Kinesis keeps the first half on the parent; moto moves it to the children."""
    client = moto.client("kinesis")
    shards = shards_of(client, stream)
    children = [shard for shard in shards if "ParentShardId" in shard]
    assert (len(shards), len(children)) == (3, 2)
    stored = defaultdict(list)
    for shard in sorted(shards, key=lambda shard: "ParentShardId" in shard):
        place = client.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = client.get_records(ShardIterator=place, Limit=10_000)["Records"]
        for record in records:
            stored[json.loads(record["Data"])["user_id"]].append(record["Data"])
    sent = defaultdict(list)
    for line in event_lines(EVENTS, seed=21):
        sent[json.loads(line)["user_id"]].append(line)
    assert stored == sent


def test_the_job_reads_parents_before_children(
    moto: MotoServer, stream: str, configure: Configure, tmp_path: Path
) -> None:
    require_kinesis_connector()
    arn = moto.client("kinesis").describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    config = configure(
        tmp_path / "unused",
        source={"kind": "kinesis", "stream_arn": arn, "endpoint": moto.endpoint},
        flink={"parallelism": 2},
        state={"checkpoint_dir": str(tmp_path / "checkpoints"), "checkpoint_interval_ms": 500},
    )
    expected = replayed(config, event_lines(EVENTS, seed=21))["decisions"]
    job = start(config)
    wait_until(lambda: len(written_lines(tmp_path / "out", "decisions")) >= len(expected), job, 120, "decisions")
    job.stop_with_savepoint(str(tmp_path / "savepoints"))
    assert by_user(written_lines(tmp_path / "out", "decisions")) == by_user(expected)
