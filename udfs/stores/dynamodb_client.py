"""DynamoDB client with short timeouts, mapping of its errors, and retries within a time budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)

from udfs.stores.port import StoreError, StoreUnavailable
from udfs.stores.settings import DynamoDBSettings

THROTTLED = frozenset(
    {"ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded", "LimitExceededException"}
)
REFUSED = frozenset(
    {
        "AccessDeniedException", "ExpiredTokenException", "IncompleteSignatureException", "InvalidSignatureException",
        "MissingAuthenticationTokenException", "UnrecognizedClientException",
    }
)  # fmt: skip
_NO_CREDENTIALS = (NoCredentialsError, PartialCredentialsError, CredentialRetrievalError)
FIRST_PAUSE_MS = 10


def open_client(settings: DynamoDBSettings) -> Any:
    """Create a client without retries (`RetryBudget` retries). Raises StoreError for a missing region or profile."""
    config = Config(
        connect_timeout=settings.connect_timeout_ms / 1_000,
        read_timeout=settings.timeout_ms / 1_000,
        retries={"total_max_attempts": 1, "mode": "standard"},
        tcp_keepalive=True,
        max_pool_connections=4,
        parameter_validation=False,  # costs a tenth of a call, and all requests have a fixed form
    )
    try:
        session = boto3.Session(profile_name=settings.profile)
        return session.client("dynamodb", region_name=settings.region, endpoint_url=settings.endpoint, config=config)
    except NoRegionError:
        raise StoreError("store: set region, AWS_REGION or AWS_DEFAULT_REGION") from None
    except (ProfileNotFound, BotoCoreError, ValueError) as error:
        raise StoreError(f"store: {error}") from None


def error_code(error: ClientError) -> str:
    """The AWS error code, empty if there is none."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def store_errors(name: str) -> Iterator[None]:
    """Maps boto3 errors: StoreError for missing tables, credentials and permissions, StoreUnavailable for all others."""
    try:
        yield
    except ClientError as error:
        code, message = error_code(error), error.response.get("Error", {}).get("Message", "")
        if code == "ResourceNotFoundException":
            raise StoreError(f"{name} does not exist: create it with `fraud store init`, or check the region") from None
        if code in REFUSED:
            raise StoreError(
                f"{name}: access denied ({code}): {message}; check credentials, region and permissions"
            ) from None
        raise StoreUnavailable(f"{name} is unavailable: {code}: {message}") from None
    except _NO_CREDENTIALS as error:
        raise StoreError(f"{name}: {error}; provide AWS credentials by environment, profile or role") from None
    except (BotoCoreError, OSError) as error:
        raise StoreUnavailable(f"{name} is unavailable: {error}") from None


class RetryBudget:
    """Retries with exponential backoff until `patience_ms` after construction."""

    def __init__(self, name: str, patience_ms: int, clock_ms: Callable[[], int]) -> None:
        self._name = name
        self._clock_ms = clock_ms
        self._until_ms = clock_ms() + patience_ms
        self._pause_ms = FIRST_PAUSE_MS

    def pause(self, why: str) -> None:
        """Block for the next pause. Raises StoreUnavailable if it would exceed the budget."""
        if self._clock_ms() + self._pause_ms > self._until_ms:
            raise StoreUnavailable(f"{self._name} is unavailable: {why}")
        Event().wait(self._pause_ms / 1_000)
        self._pause_ms *= 2

    def call(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        """Call `operation`, and retry while AWS throttles it. Raises StoreUnavailable, ClientError."""
        while True:
            try:
                return operation(**arguments)
            except ClientError as error:
                if error_code(error) not in THROTTLED:
                    raise
                self.pause(f"throttled ({error_code(error)})")
