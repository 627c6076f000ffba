"""Problems with topics, streams, tables, buckets or credentials are one-line errors before the job is submitted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import jobs.aws.check
from jobs.aws.check import check_aws
from jobs.config.errors import ConfigError
from jobs.runtime.restoring import with_starting_state
from jobs.score_transactions import main
from tests.aws.alert_queue import AlertQueue
from tests.aws.test_sns_topic import answering, error
from tests.conftest import Configure
from tests.contracts.store_factories import dynamodb_local
from tests.servers.black_hole import black_hole
from tests.servers.moto_server import REGION, MotoServer
from tests.servers.ports import free_ports

TOPIC = "arn:aws:sns:us-east-1:123456789012:none"
STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/none"


@pytest.fixture
def events(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"{}")
    return path


def told(configure: Configure, events: Path, **sections: Any) -> str:
    with pytest.raises(ConfigError) as raised:
        check_aws(configure(events, **sections))
    message = str(raised.value)
    assert "\n" not in message
    return message


def sns(endpoint: str, topic_arn: str = TOPIC) -> list[dict[str, Any]]:
    return [{"kind": "discard"}, {"kind": "sns", "topic_arn": topic_arn, "endpoint": endpoint}]


def test_a_missing_topic_is_exit_code_2_with_one_line(
    configure: Configure, events: Path, moto: MotoServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "job.yaml"
    file.write_text(yaml.safe_dump(configure(events, sinks=sns(moto.endpoint)).model_dump(mode="json")))

    assert main(["--config", str(file)]) == 2

    assert capsys.readouterr().err == (
        f"error: SNS topic {TOPIC} does not exist: create it (docs/aws.md), or correct sinks[sns].topic_arn and its region\n"
    )


def test_a_topic_in_another_region_does_not_exist(
    configure: Configure, events: Path, moto: MotoServer, queue: AlertQueue
) -> None:
    check_aws(configure(events, sinks=sns(moto.endpoint, queue.topic_arn)))
    elsewhere = queue.topic_arn.replace(REGION, "eu-west-1")
    assert "does not exist" in told(configure, events, sinks=sns(moto.endpoint, elsewhere))


@pytest.mark.parametrize(
    "code", ["AuthorizationError", "InvalidClientTokenId", "ExpiredToken", "SignatureDoesNotMatch"]
)
def test_a_missing_permission_names_what_is_needed(configure: Configure, events: Path, code: str) -> None:
    with answering(403, error(code)) as endpoint:
        assert told(configure, events, sinks=sns(endpoint)) == (
            f"SNS topic {TOPIC}: access denied ({code}): check the credentials; required: sns:GetTopicAttributes and "
            "sns:Publish"
        )


def test_throttling_is_not_an_error(configure: Configure, events: Path) -> None:
    with answering(400, error("Throttling")) as endpoint:
        check_aws(configure(events, sinks=sns(endpoint)))


def test_refused_connections_and_timeouts_are_reported(
    configure: Configure, events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs.aws.check, "ANSWER_SECONDS", 0.3)
    nobody = told(configure, events, sinks=sns(f"http://127.0.0.1:{free_ports(1)[0]}"))
    assert nobody.startswith(f"SNS topic {TOPIC}: connection failed: Could not connect")
    with black_hole() as port:
        silent = told(configure, events, sinks=sns(f"http://127.0.0.1:{port}"))
    assert silent.startswith(f"SNS topic {TOPIC}: connection failed: Read timeout")


def test_missing_credentials_are_reported(
    configure: Configure, events: Path, moto: MotoServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    assert told(configure, events, sinks=sns(moto.endpoint)) == (
        f"SNS topic {TOPIC}: Unable to locate credentials: provide AWS credentials by environment, profile or role"
    )


def test_a_missing_stream_is_reported(configure: Configure, events: Path, moto: MotoServer) -> None:
    source = {"kind": "kinesis", "stream_arn": STREAM, "endpoint": moto.endpoint}
    with pytest.raises(ConfigError) as raised:
        check_aws(configure(events).model_copy(update={"source": jobs.aws.check.KinesisSource.model_validate(source)}))
    assert str(raised.value) == (
        f"Kinesis stream {STREAM} does not exist: create it, or correct source.stream_arn and its region"
    )


def test_missing_tables_and_buckets_are_reported(configure: Configure, events: Path, moto: MotoServer) -> None:
    store = {"kind": "dynamodb", "region": REGION, "endpoint": dynamodb_local().endpoint, "table_prefix": "none-"}
    missing = told(configure, events, store={**store, "timeout_ms": 5_000, "connect_timeout_ms": 5_000})
    assert missing.startswith("DynamoDB table none-records (")
    assert missing.endswith("does not exist: create it with `fraud store init`, or check the region")
    s3 = {"endpoint": moto.endpoint, "path_style": True}
    assert told(configure, events, s3=s3, state={"checkpoint_dir": "s3://no-such-bucket/checkpoints"}) == (
        "S3 bucket no-such-bucket does not exist: create it, or correct state.checkpoint_dir"
    )
    assert told(configure, events, s3=s3, scoring={"bundle": "s3://no-such-bundles/default"}) == (
        "S3 bucket no-such-bundles does not exist: create it, or correct scoring.bundle"
    )


def test_an_s3_path_without_a_checkpoint_is_reported(
    configure: Configure, events: Path, moto: MotoServer, bucket: str
) -> None:
    s3 = {"endpoint": moto.endpoint, "path_style": True}
    config = configure(events, s3=s3, state={"restore_from": f"s3://{bucket}/none"})
    with pytest.raises(ConfigError, match=f"state.restore_from: s3://{bucket}/none holds no complete checkpoint"):
        with_starting_state(config)


SINK: dict[str, Any] = {"kind": "sns", "topic_arn": TOPIC}
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no topic": (
        {"sinks": [{"kind": "discard"}, {"kind": "sns", "topic_arn": "alerts"}]},
        "sinks.1.topic_arn: 'alerts' is not a topic ARN like arn:aws:sns:eu-central-1:123456789012:fraud-alerts",
    ),
    "sns alone": ({"sinks": [SINK]}, "sinks: sns takes only alerts: add a sink of kind files or kafka"),
    "sns twice": ({"sinks": [SINK, SINK, {"kind": "discard"}]}, "sinks: at most one sink of kind sns"),
    "eleven at once": (
        {"sinks": [{**SINK, "batch_size": 11}, {"kind": "discard"}]},
        "sinks.0.batch_size: must be at most 10, not 11",
    ),
    "no stream": (
        {"source": {"kind": "kinesis", "stream_arn": "events"}},
        "source.stream_arn: 'events' is not a stream ARN like arn:aws:kinesis:eu-central-1:123456789012:stream/events",
    ),
    "no time": (
        {"source": {"kind": "kinesis", "stream_arn": STREAM, "start": "timestamp"}},
        "source: start_timestamp is required with start: timestamp",
    ),
    "a secret": (
        {"source": {"kind": "kinesis", "stream_arn": STREAM, "options": {"aws.credentials.basic.secretkey": "x"}}},
        "source: options: aws.credentials.basic.secretkey holds a secret: remove it",
    ),
    "no address": ({"s3": {"endpoint": "127.0.0.1:9000"}}, "s3.endpoint: '127.0.0.1:9000' is not a URL like"),
}


@pytest.mark.parametrize("name", WRONG)
def test_an_invalid_key_or_value_is_reported_with_its_path(
    configure: Configure, events: Path, tmp_path: Path, name: str
) -> None:
    from jobs.config.loading import parse_config

    sections, message = WRONG[name]
    tree = configure(events).model_dump(mode="json") | sections
    with pytest.raises(ConfigError) as raised:
        parse_config(tree)
    assert str(raised.value).startswith(f"configuration: {message}")
