"""The configuration's sections about AWS: Kinesis, SNS and S3.

Credentials are in none of them: they come from AWS's own chain (environment, profile, role).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from jobs.config_types import KeyPath, OptionText, Takes, Timestamp
from jobs.section import Section
from udfs.alerts.settings import PublishSettings, SnsSettings
from udfs.remote_files import S3Settings

_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_STREAM = re.compile(r"arn:aws[a-z-]*:kinesis:[a-z0-9-]+:\d{12}:stream/[A-Za-z0-9_.-]{1,128}")
_SECRET = re.compile(r"secret|accesskey|token|password", re.IGNORECASE)


def _topic_arn(value: str) -> str:
    if not _TOPIC.fullmatch(value):
        raise ValueError(f"{value!r} is no topic like arn:aws:sns:eu-central-1:123456789012:fraud-alerts")
    return value


def _stream_arn(value: str) -> str:
    if not _STREAM.fullmatch(value):
        raise ValueError(f"{value!r} is no stream like arn:aws:kinesis:eu-central-1:123456789012:stream/events")
    return value


def _endpoint(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError(f"{value!r} is no address like http://127.0.0.1:5000")
    return value.rstrip("/")


TopicArn = Annotated[str, AfterValidator(_topic_arn), Takes("ARN of a topic")]
StreamArn = Annotated[str, AfterValidator(_stream_arn), Takes("ARN of a stream")]
Endpoint = Annotated[str, AfterValidator(_endpoint), Takes("address")]
ENDPOINT_MEANING = "address in place of AWS's own, for emulators and private endpoints"


class KinesisSource(Section):
    """A Kinesis data stream that holds all of a user's events under one partition key, so that their order is a shard's.

    Its region is that of the ARN. Records tell neither when they arrived nor their place (docs/aws.md).
    """

    kind: Literal["kinesis"]
    stream_arn: StreamArn = Field(description="the stream to read")
    endpoint: Endpoint | None = Field(default=None, description=ENDPOINT_MEANING)
    start: Literal["earliest", "latest", "timestamp"] = Field(
        default="earliest", description="where a job without saved state begins; a restored one goes on where it was"
    )
    start_timestamp: Timestamp | None = Field(
        default=None, description="with `start: timestamp`: the first record of each shard that arrived then"
    )
    idle_fetch_ms: int = Field(
        default=20, ge=1, le=10_000, description="pause before an empty shard is asked again; a shard takes 5 a second"
    )
    key_path: KeyPath = Field(
        default="$.user_id", description="JSON path of the user's id, by which records are routed"
    )
    options: dict[str, OptionText] = Field(
        default_factory=dict, description="further options of Flink's Kinesis connector; no secrets"
    )

    @model_validator(mode="after")
    def _start_is_told(self) -> KinesisSource:
        for name in self.options:
            if _SECRET.search(name):
                raise ValueError(
                    f"options: {name} holds a secret, which a configuration must not: credentials come from AWS's own chain"
                )
        if self.start == "timestamp" and self.start_timestamp is None:
            raise ValueError("start_timestamp is required with start: timestamp")
        if self.start != "timestamp" and self.start_timestamp is not None:
            raise ValueError("start_timestamp needs start: timestamp")
        return self

    @property
    def region(self) -> str:
        return self.stream_arn.split(":")[3]

    @property
    def stream_name(self) -> str:
        return self.stream_arn.rpartition("/")[2]


class SnsSink(Section):
    """A topic of Amazon SNS that gets the alerts, each with attributes to filter by; other sinks get the rest.

    An alert waits in Flink's state until SNS has accepted it. What SNS refuses goes to the other sinks' dead letters.
    """

    kind: Literal["sns"]
    topic_arn: TopicArn = Field(description="the topic; its region is the ARN's, and `.fifo` keeps a user's in order")
    endpoint: Endpoint | None = Field(default=None, description=ENDPOINT_MEANING)
    profile: str | None = Field(default=None, description="profile of AWS's shared files, if not the default")
    shards: int = Field(default=4, ge=1, le=128, description="groups of users that are published independently")
    batch_size: int = Field(default=10, ge=1, le=10, description="alerts in one call")
    linger_ms: int = Field(default=200, ge=1, le=60_000, description="how long an alert waits for others to go with it")
    waiting_limit: int = Field(
        default=10_000, ge=100, description="alerts of one shard that may wait during an outage; then the job waits"
    )
    longest_pause_ms: int = Field(
        default=5_000, ge=500, le=60_000, description="longest pause between two attempts of an outage"
    )
    connect_timeout_ms: int = Field(default=1_000, ge=1, le=10_000, description="how long connecting may take")
    timeout_ms: int = Field(
        default=2_000, ge=1, le=10_000, description="how long an answer may take; checkpoints wait for it"
    )
    end_patience_ms: int = Field(
        default=300_000, ge=1_000, description="how long alerts are tried at the end of the input before the job fails"
    )


class S3Section(Section):
    """How paths that begin with s3:// are reached, by Flink (checkpoints, files) and by the scorer (bundle, rules)."""

    endpoint: Endpoint | None = Field(default=None, description=ENDPOINT_MEANING)
    region: str | None = Field(default=None, description="AWS region; without it that of the environment or profile")
    path_style: bool = Field(
        default=False, description="put the bucket into the path in place of the host name, as emulators want it"
    )


def sns_settings(sink: SnsSink) -> SnsSettings:
    """The topic in the publisher's own terms."""
    return SnsSettings(
        topic_arn=sink.topic_arn,
        endpoint=sink.endpoint,
        profile=sink.profile,
        connect_timeout_ms=sink.connect_timeout_ms,
        timeout_ms=sink.timeout_ms,
    )


def publish_settings(sink: SnsSink) -> PublishSettings:
    """When alerts leave the buffer."""
    return PublishSettings(
        batch_size=sink.batch_size,
        linger_ms=sink.linger_ms,
        waiting_limit=sink.waiting_limit,
        longest_pause_ms=sink.longest_pause_ms,
        end_patience_ms=sink.end_patience_ms,
    )


def s3_settings(section: S3Section) -> S3Settings:
    """S3 in the terms of those who download from it."""
    return S3Settings(endpoint=section.endpoint, region=section.region, path_style=section.path_style)
