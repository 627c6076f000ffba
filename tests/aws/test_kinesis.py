"""Kinesis without its connector: the table that is asked for, the records' reader, and the producer against moto."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner

from cli.kinesis_producing import MAX_BATCH_RECORDS, RETRY_TIMEOUT_S, BatchSender, Record
from cli.main import main
from jobs.aws.kinesis_source import WALL_MS, table_text
from jobs.config.aws import KinesisSource
from tests.jobs.event_stream import START_MS, event_lines, write_events
from tests.servers.moto_server import MotoServer
from udfs.records.outputs import Origin
from udfs.records.record_reader import KinesisRecordReader

ARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/events"
SHARDS = 3


def source(**keys: object) -> KinesisSource:
    return KinesisSource.model_validate({"kind": "kinesis", "stream_arn": ARN, **keys})


def test_the_table_in_aws_names_no_credentials() -> None:
    variables = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
    assert table_text(source(), variables) == (
        "CREATE TEMPORARY TABLE events (payload BYTES) WITH ('connector' = 'kinesis', 'format' = 'raw', "
        f"'stream.arn' = '{ARN}', 'aws.region' = 'eu-central-1', 'source.init.position' = 'TRIM_HORIZON', "
        "'source.reader.empty-records-fetch-interval' = '20 ms')"
    )


def test_the_table_of_an_emulator_has_the_environments_credentials() -> None:
    emulator = source(endpoint="http://127.0.0.1:4566", start="latest", idle_fetch_ms=200)
    variables = {"AWS_ACCESS_KEY_ID": "it's", "AWS_SECRET_ACCESS_KEY": "secret"}
    assert table_text(emulator, variables) == (
        "CREATE TEMPORARY TABLE events (payload BYTES) WITH ('connector' = 'kinesis', 'format' = 'raw', "
        f"'stream.arn' = '{ARN}', 'aws.region' = 'eu-central-1', 'source.init.position' = 'LATEST', "
        "'source.reader.empty-records-fetch-interval' = '200 ms', 'aws.endpoint' = 'http://127.0.0.1:4566', "
        "'aws.credentials.provider' = 'BASIC', 'aws.credentials.basic.accesskeyid' = 'it''s', "
        "'aws.credentials.basic.secretkey' = 'secret')"
    )
    assert "credentials" not in table_text(emulator, {})


def test_a_start_timestamp_is_utc_and_options_override() -> None:
    text = table_text(
        source(start="timestamp", start_timestamp=START_MS + 7, options={"source.shard.discovery.interval": "1 s"}), {}
    )
    assert "'source.init.position' = 'AT_TIMESTAMP'" in text
    assert "'source.init.timestamp' = '2026-01-01T00:00:00.007Z'" in text
    assert "'source.init.timestamp.format' = 'yyyy-MM-dd''T''HH:mm:ss.SSSX'" in text
    assert text.endswith("'source.shard.discovery.interval' = '1 s')")


def test_a_record_arrives_when_it_is_read_unless_a_ceiling_is_configured() -> None:
    assert KinesisRecordReader(ARN, lambda: 5).read(b"{}") == (b"{}", 5, Origin(ARN))
    assert KinesisRecordReader(ARN, None).read(b"{}") == (b"{}", None, Origin(ARN))
    assert WALL_MS() > START_MS


class Shards:
    """Answers of a stream in which calls or single records fail by a script, one string of a(ccepted) and f(ailed) each."""

    def __init__(self, *script: str) -> None:
        self.now = 0.0
        self.stored: list[Record] = []
        self._script = list(script)

    def put(self, records: list[Record]) -> list[str | None]:
        self.now += 0.01
        assert len(records) <= MAX_BATCH_RECORDS
        assert len({record.user for record in records}) == len(records)
        step = (self._script.pop(0) if self._script else "").ljust(len(records), "a")
        self.stored += [record for letter, record in zip(step, records, strict=False) if letter == "a"]
        return [None if letter == "a" else "Throttled" for letter, _ in zip(step, records, strict=False)]

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_rejected_records_are_resent_before_the_users_next_ones() -> None:
    shards = Shards("afa", "f", "", "ff")
    sender = BatchSender(shards.put, lambda: shards.now, shards.sleep)
    records = [Record(f"U{number % 3}", f"{number}".encode()) for number in range(12)]
    for record in records:
        sender.add(record)
    sender.flush()
    assert (sender.acknowledged, sender.error) == (12, None)
    for user in range(3):
        assert [one for one in shards.stored if one.user == f"U{user}"] == records[user::3]


def test_producing_fails_with_the_cause_if_the_stream_accepts_nothing() -> None:
    shards = Shards(*["f"] * 1_000)
    sender = BatchSender(shards.put, lambda: shards.now, shards.sleep)
    sender.add(Record("U", b"1"))
    sender.flush()
    assert (sender.acknowledged, sender.error) == (0, "Throttled")
    assert RETRY_TIMEOUT_S < shards.now < RETRY_TIMEOUT_S + 5


@pytest.fixture
def stream(moto: MotoServer) -> str:
    name = f"events-{uuid4().hex[:8]}"
    moto.client("kinesis").create_stream(StreamName=name, ShardCount=SHARDS)
    return name


def test_produced_events_are_in_the_stream_each_users_in_order_on_one_shard(
    moto: MotoServer, stream: str, tmp_path: Path
) -> None:
    lines = event_lines(1_500, seed=5)
    events = write_events(tmp_path / "events.jsonl", lines)
    arguments = ["produce", "--to", "kinesis", "--stream", stream, "--endpoint", moto.endpoint, "--region", "us-east-1"]

    done = CliRunner().invoke(main, [*arguments, "--events", str(events), "--rate", "5000"])

    assert done.exit_code == 0, done.output
    assert "1,500 acknowledged" in done.output
    assert (
        f"where {stream} already held these events they are duplicates, which the job does not score again"
        in done.stderr
    )
    client, shards = moto.client("kinesis"), []
    for shard in client.list_shards(StreamName=stream)["Shards"]:
        place = client.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        shards.append([record["Data"] for record in client.get_records(ShardIterator=place, Limit=10_000)["Records"]])
    assert sum(map(len, shards)) == len(lines)
    assert all(shards)
    sent, stored = defaultdict(list), defaultdict(list)
    for line in lines:
        sent[json.loads(line)["user_id"]].append(line)
    for records in shards:
        for user, line in ((json.loads(line)["user_id"], line) for line in records):
            stored[user].append(line)
    assert stored == sent


def test_a_missing_stream_is_reported_in_one_line(moto: MotoServer, tmp_path: Path) -> None:
    events = write_events(tmp_path / "events.jsonl", event_lines(1))
    arguments = ["produce", "--to", "kinesis", "--stream", "none", "--endpoint", moto.endpoint, "--region", "us-east-1"]
    done = CliRunner().invoke(main, [*arguments, "--events", str(events)])
    assert done.exit_code == 2
    assert "Kinesis stream none does not exist: create it, or correct its name and region" in done.output
