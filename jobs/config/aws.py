"""Configuration sections for AWS: Kinesis, SNS and S3.

They hold no credentials: AWS's default credential chain (environment, profile, role) provides them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from jobs.config.event_source import EventSourceSection
from jobs.config.section import Section
from jobs.config.value_types import OptionText, Takes, Timestamp, is_remote
from udfs.alerts.settings import PublishSettings, SnsSettings
from udfs.process.remote_files import S3Reader, S3Settings, default_cache

_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_STREAM = re.compile(r"arn:aws[a-z-]*:kinesis:[a-z0-9-]+:\d{12}:stream/[A-Za-z0-9_.-]{1,128}")
_SECRET = re.compile(r"secret|accesskey|token|password", re.IGNORECASE)


def _topic_arn(value: str) -> str:
    if not _TOPIC.fullmatch(value):
        raise ValueError(f"{value!r} is not a topic ARN like arn:aws:sns:eu-central-1:123456789012:fraud-alerts")
    return value


def _stream_arn(value: str) -> str:
    if not _STREAM.fullmatch(value):
        raise ValueError(f"{value!r} is not a stream ARN like arn:aws:kinesis:eu-central-1:123456789012:stream/events")
    return value


def _endpoint(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError(f"{value!r} is not a URL like http://127.0.0.1:5000")
    return value.rstrip("/")


TopicArn = Annotated[str, AfterValidator(_topic_arn), Takes("ARN of a topic")]
StreamArn = Annotated[str, AfterValidator(_stream_arn), Takes("ARN of a stream")]
Endpoint = Annotated[str, AfterValidator(_endpoint), Takes("URL")]
ENDPOINT_MEANING = "endpoint URL that replaces AWS's default, for emulators and private endpoints"


class KinesisSource(EventSourceSection):
    """A Kinesis data stream. All events of a user must have the same partition key, so that one shard keeps their order.

    The region is taken from the ARN. Records carry neither arrival time nor sequence number (docs/aws.md).
    """

    kind: Literal["kinesis"]
    stream_arn: StreamArn = Field(description="the stream to read")
    endpoint: Endpoint | None = Field(default=None, description=ENDPOINT_MEANING)
    start: Literal["earliest", "latest", "timestamp"] = Field(
        default="earliest", description="start position of a job without saved state; a restored job continues from it"
    )
    start_timestamp: Timestamp | None = Field(
        default=None, description="with `start: timestamp`: read records that arrived at this time or later"
    )
    idle_fetch_ms: int = Field(
        default=20, ge=1, le=10_000, description="pause before an empty shard is polled again; AWS allows 5 a second"
    )
    options: dict[str, OptionText] = Field(
        default_factory=dict, description="additional options of Flink's Kinesis connector; no secrets"
    )

    @model_validator(mode="after")
    def _check_start(self) -> KinesisSource:
        for name in self.options:
            if _SECRET.search(name):
                raise ValueError(
                    f"options: {name} holds a secret: remove it; AWS's default credential chain provides credentials"
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
    """An Amazon SNS topic for alerts, with message attributes to filter by; other outputs go to the other sinks.

    An alert is kept in Flink's state until SNS has accepted it. Alerts that SNS rejects become dead letters of the other
    sinks.
    """

    kind: Literal["sns"]
    topic_arn: TopicArn = Field(description="the topic, with its region; a `.fifo` topic keeps each user's order")
    endpoint: Endpoint | None = Field(default=None, description=ENDPOINT_MEANING)
    profile: str | None = Field(default=None, description="AWS profile; null: the default one")
    shards: int = Field(default=4, ge=1, le=128, description="groups of users that are published independently")
    batch_size: int = Field(default=10, ge=1, le=10, description="maximum alerts in one request")
    linger_ms: int = Field(default=200, ge=1, le=60_000, description="maximum wait of an alert for a full batch")
    waiting_limit: int = Field(
        default=10_000,
        ge=100,
        description="maximum alerts of one shard kept in state during an outage; beyond it the job blocks",
    )
    longest_pause_ms: int = Field(
        default=5_000, ge=500, le=60_000, description="maximum pause between two attempts during an outage"
    )
    connect_timeout_ms: int = Field(default=1_000, ge=1, le=10_000, description="connect timeout")
    timeout_ms: int = Field(
        default=2_000, ge=1, le=10_000, description="request timeout; a checkpoint may wait this long"
    )
    end_patience_ms: int = Field(
        default=300_000,
        ge=1_000,
        description="how long publishing is retried at the end of the input before the job fails",
    )


class S3Section(Section):
    """Access to s3:// paths, by Flink (checkpoints, files) and by the scorer (bundle, rules)."""

    endpoint: Endpoint | None = Field(default=None, description=ENDPOINT_MEANING)
    region: str | None = Field(default=None, description="AWS region; null: that of the environment or profile")
    path_style: bool = Field(
        default=False, description="path-style URLs (bucket in the path, not in the host name), for emulators"
    )


def sns_settings(sink: SnsSink) -> SnsSettings:
    """Settings of the SNS client."""
    return SnsSettings(
        topic_arn=sink.topic_arn,
        endpoint=sink.endpoint,
        profile=sink.profile,
        connect_timeout_ms=sink.connect_timeout_ms,
        timeout_ms=sink.timeout_ms,
    )


def publish_settings(sink: SnsSink) -> PublishSettings:
    """Batching and retry settings of the alert publisher."""
    return PublishSettings(
        batch_size=sink.batch_size,
        linger_ms=sink.linger_ms,
        waiting_limit=sink.waiting_limit,
        longest_pause_ms=sink.longest_pause_ms,
        end_patience_ms=sink.end_patience_ms,
    )


def s3_settings(section: S3Section) -> S3Settings:
    """Settings of the S3 client."""
    return S3Settings(endpoint=section.endpoint, region=section.region, path_style=section.path_style)


def local_file(path: str, section: S3Section) -> Path:
    """Local path of a configured file; a file in S3 is downloaded. Raises RemoteFileError."""
    return S3Reader(s3_settings(section), default_cache()).file(path) if is_remote(path) else Path(path)
