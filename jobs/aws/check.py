"""Checks SNS topics, Kinesis streams, DynamoDB tables and S3 buckets before the job is submitted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jobs.aws.s3_files import flink_paths
from jobs.config.aws import KinesisSource, SnsSink, s3_settings
from jobs.config.entity_job import EntityJobConfig
from jobs.config.errors import ConfigError
from jobs.config.job import JobConfig
from jobs.config.stores import DynamoDBStoreSection, store_settings
from udfs.process.remote_files import SCHEME, open_s3, split_url

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
    """Check that the topic, stream, tables and buckets of a configuration exist and that the credentials grant access.

    Blocks until all services have responded. Raises ConfigError, with a remedy in one line, also for a service that does
    not respond within 5 seconds. Throttling is not an error: the job retries throttled requests.
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
    """A boto3 client with short timeouts and one retry. Raises ConfigError if boto3, region or profile is missing."""
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
    """Convert boto3's errors to ConfigError.

    `name`: the resource. `missing`: remedy if it does not exist. `permission`: required IAM permissions.
    """
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
        details = error.response.get("Error", {})
        code, message = str(details.get("Code", "")), " ".join(str(details.get("Message", "")).split())
        if "Throttl" in code or code == "LimitExceededException":
            return
        if code in _MISSING:
            raise ConfigError(f"{name} does not exist: {missing}") from None
        if code in _REFUSED:
            raise ConfigError(
                f"{name}: access denied ({code}): check the credentials; required: {permission}"
            ) from None
        if code in ("301", "PermanentRedirect", "AuthorizationHeaderMalformed"):
            raise ConfigError(f"{name} is in another region: correct the region") from None
        raise ConfigError(f"{name} cannot be used: {code}: {message}") from None
    except (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError) as error:
        raise ConfigError(f"{name}: {error}: provide AWS credentials by environment, profile or role") from None
    except BotoCoreError as error:
        raise ConfigError(
            f"{name}: connection failed: {' '.join(str(error).split())}; check region and endpoint"
        ) from None


def _check_topic(sink: SnsSink) -> None:
    region = sink.topic_arn.split(":")[3]
    client = aws_client("sns", region, sink.endpoint, sink.profile)
    missing = "create it (docs/aws.md), or correct sinks[sns].topic_arn and its region"
    with aws_errors(f"SNS topic {sink.topic_arn}", missing, "sns:GetTopicAttributes and sns:Publish"):
        client.get_topic_attributes(TopicArn=sink.topic_arn)


def _check_stream(source: KinesisSource) -> None:
    client = aws_client("kinesis", source.region, source.endpoint)
    missing = "create it, or correct source.stream_arn and its region"
    needed = "kinesis:DescribeStreamSummary, DescribeStream, ListShards, GetShardIterator and GetRecords"
    with aws_errors(f"Kinesis stream {source.stream_arn}", missing, needed):
        status = client.describe_stream_summary(StreamName=source.stream_name)["StreamDescriptionSummary"][
            "StreamStatus"
        ]
        if status not in ("ACTIVE", "UPDATING"):
            raise ConfigError(f"Kinesis stream {source.stream_arn} is {status}: wait until it is active, or create it")


def _check_tables(store: DynamoDBStoreSection) -> None:
    from udfs.entities.buckets import BucketSettings
    from udfs.process.system_clocks import SYSTEM_CLOCKS
    from udfs.stores.opening import open_store
    from udfs.stores.port import StoreError, StoreUnavailable

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
        return  # the job starts without the store; its decisions have enrichment status `degraded`


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
            missing = f"create it, or correct {key}"
            with aws_errors(f"S3 bucket {bucket}", missing, "s3:ListBucket, and s3:GetObject and s3:PutObject in it"):
                client.head_bucket(Bucket=bucket)


def _s3(config: JobConfig | EntityJobConfig) -> Any:
    try:
        return open_s3(s3_settings(config.s3), ANSWER_SECONDS)
    except ModuleNotFoundError as error:
        raise ConfigError(f"s3:// paths need the Python package {error.name}: install the extra `aws`") from None
