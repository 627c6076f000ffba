"""Looks at topics, streams, tables and buckets before the job is submitted, so that what is wrong is told in one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jobs.aws_settings import KinesisSource, SnsSink, s3_settings
from jobs.config import JobConfig
from jobs.config_errors import ConfigError
from jobs.entity_config import EntityJobConfig
from jobs.s3_files import flink_paths
from jobs.store_settings import DynamoDBStoreSection, store_settings
from udfs.remote_files import SCHEME, open_s3, split_url

ANSWER_SECONDS = 5.0
_MISSING = frozenset({"NotFound", "NotFoundException", "ResourceNotFoundException", "NoSuchBucket", "404"})
_REFUSED = frozenset(
    {
        "403", "AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException",
        "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId", "InvalidClientTokenId",
        "InvalidSecurity", "InvalidSignatureException", "MissingAuthenticationToken", "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)  # fmt: skip


def check_aws(config: JobConfig | EntityJobConfig) -> None:
    """Are the topic, stream, tables and buckets of a configuration there, and may we use them?

    Raises ConfigError, one line that says what to change. A service that does not answer within 5 seconds is one, too;
    throttling is not: the job repeats what is throttled.
    """
    for sink in config.sinks if isinstance(config, JobConfig) else ():
        if isinstance(sink, SnsSink):
            _check_topic(sink)
    if isinstance(config.source, KinesisSource):
        _check_stream(config.source)
    if isinstance(config.store, DynamoDBStoreSection):
        _check_tables(config.store)
    _check_buckets(config)


def aws_client(service: str, region: str | None, endpoint: str | None, profile: str | None = None) -> Any:
    """A client that gives up soon. Raises ConfigError where boto3, region or profile is missing."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ModuleNotFoundError as error:
        raise ConfigError(f"{service} needs the Python package {error.name}: install the extra `aws`") from None
    config = Config(connect_timeout=ANSWER_SECONDS, read_timeout=ANSWER_SECONDS, retries={"total_max_attempts": 2})
    try:
        session = boto3.Session(profile_name=profile)
        return session.client(service, region_name=region, endpoint_url=endpoint, config=config)  # type: ignore[call-overload]
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(f"{service}: {error}") from None


@contextmanager
def aws_errors(name: str, missing: str, permission: str) -> Iterator[None]:
    """Turns boto3's errors into ConfigError: `missing` says what to do if it isn't there, `permission` what we need."""
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        CredentialRetrievalError,
        NoCredentialsError,
        PartialCredentialsError,
    )

    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        code, message = str(told.get("Code", "")), " ".join(str(told.get("Message", "")).split())
        if "Throttl" in code or code == "LimitExceededException":
            return
        if code in _MISSING:
            raise ConfigError(f"{name} is not there: {missing}") from None
        if code in _REFUSED:
            raise ConfigError(
                f"{name}: access is denied ({code}): check the credentials; they need {permission}"
            ) from None
        if code in ("301", "PermanentRedirect", "AuthorizationHeaderMalformed"):
            raise ConfigError(f"{name} is in another region: correct the region") from None
        raise ConfigError(f"{name} cannot be used: {code}: {message}") from None
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as error:
        raise ConfigError(f"{name}: {error}: give AWS credentials by environment, profile or role") from None
    except BotoCoreError as error:
        raise ConfigError(
            f"{name} cannot be reached: {' '.join(str(error).split())}; check region and endpoint"
        ) from None


def _check_topic(sink: SnsSink) -> None:
    region = sink.topic_arn.split(":")[3]
    client = aws_client("sns", region, sink.endpoint, sink.profile)
    missing = "make it (docs/aws.md), or correct sinks[sns].topic_arn and its region"
    with aws_errors(f"SNS topic {sink.topic_arn}", missing, "sns:GetTopicAttributes and sns:Publish"):
        client.get_topic_attributes(TopicArn=sink.topic_arn)


def _check_stream(source: KinesisSource) -> None:
    client = aws_client("kinesis", source.region, source.endpoint)
    missing = "make it, or correct source.stream_arn and its region"
    needed = "kinesis:DescribeStreamSummary, DescribeStream, ListShards, GetShardIterator and GetRecords"
    with aws_errors(f"Kinesis stream {source.stream_arn}", missing, needed):
        status = client.describe_stream_summary(StreamName=source.stream_name)["StreamDescriptionSummary"][
            "StreamStatus"
        ]
        if status not in ("ACTIVE", "UPDATING"):
            raise ConfigError(f"Kinesis stream {source.stream_arn} is {status}: wait until it is active, or make it")


def _check_tables(store: DynamoDBStoreSection) -> None:
    from udfs.entity_buckets import BucketSettings
    from udfs.stores.opening import open_store
    from udfs.stores.port import StoreError, StoreUnavailable
    from udfs.system_clocks import SYSTEM_CLOCKS

    settings = store_settings(store)
    if settings is None:
        return
    try:
        opened = open_store(settings, BucketSettings(), SYSTEM_CLOCKS)
        opened.check()
        opened.close()
    except StoreError as error:
        raise ConfigError(str(error)) from None
    except StoreUnavailable:
        return  # the job starts without it, and decisions say so


def _check_buckets(config: JobConfig | EntityJobConfig) -> None:
    paths = flink_paths(config)
    if isinstance(config, JobConfig):
        for key in ("bundle", "rules", "statistics", "reference", "histories", "fx_rates"):
            path = getattr(config.scoring, key)
            if path is not None and path.startswith(SCHEME):
                paths[f"scoring.{key}"] = path
    if not paths:
        return
    client = _s3(config)
    seen: set[str] = set()
    for key, path in paths.items():
        bucket, _ = split_url(path)
        if bucket not in seen:
            seen.add(bucket)
            missing = f"make it, or correct {key}"
            with aws_errors(f"S3 bucket {bucket}", missing, "s3:ListBucket, and s3:GetObject and s3:PutObject in it"):
                client.head_bucket(Bucket=bucket)


def _s3(config: JobConfig | EntityJobConfig) -> Any:
    try:
        return open_s3(s3_settings(config.s3), ANSWER_SECONDS)
    except ModuleNotFoundError as error:
        raise ConfigError(f"a path that begins with s3:// needs {error.name}: install the extra `aws`") from None
