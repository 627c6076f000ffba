"""AlertTopic on Amazon SNS: PublishBatch with short timeouts and no retries (AlertPublisher retries)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound

from udfs.alerts.message import Message
from udfs.alerts.settings import SnsSettings
from udfs.alerts.topic import BatchRefused, PublishResult, TopicError, TopicUnavailable

MAX_MESSAGES = 10
MAX_BYTES = 262_144
_FAULTS_OF_THE_BATCH = frozenset(
    {
        "InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationError", "ValidationException",
        "BatchRequestTooLong", "InvalidBatchEntryId", "BatchEntryIdsNotDistinct", "TooManyEntriesInBatchRequest",
        "EmptyBatchRequest",
    }
)  # fmt: skip
_THROTTLED = frozenset({"Throttled", "Throttling", "ThrottledException", "ThrottlingException", "KMSThrottling"})


class SnsTopic:
    """One SNS topic. The constructor raises TopicError for a missing profile or an invalid endpoint."""

    max_messages = MAX_MESSAGES
    max_bytes = MAX_BYTES

    def __init__(self, settings: SnsSettings) -> None:
        self.in_order = settings.is_fifo
        self._settings = settings
        self._name = f"SNS topic {settings.topic_arn}"
        config = Config(
            connect_timeout=settings.connect_timeout_ms / 1_000,
            read_timeout=settings.timeout_ms / 1_000,
            retries={"total_max_attempts": 1, "mode": "standard"},
            tcp_keepalive=True,
            max_pool_connections=1,
        )
        try:
            session = boto3.Session(profile_name=settings.profile)
            self._client = session.client(
                "sns", region_name=settings.region, endpoint_url=settings.endpoint, config=config
            )
        except (ProfileNotFound, BotoCoreError, ValueError) as error:
            raise TopicError(f"{self._name}: {error}") from None

    def publish(self, messages: Sequence[Message]) -> list[PublishResult]:
        entries = [self._entry(number, message) for number, message in enumerate(messages)]
        try:
            response = self._client.publish_batch(TopicArn=self._settings.topic_arn, PublishBatchRequestEntries=entries)
        except ClientError as error:
            details = error.response.get("Error", {})
            code, message = str(details.get("Code", "")), str(details.get("Message", ""))
            if code in _FAULTS_OF_THE_BATCH:
                raise BatchRefused(f"{code}: {message}") from None
            raise TopicUnavailable(f"{self._name}: {code}: {message}") from None
        except (BotoCoreError, OSError) as error:
            raise TopicUnavailable(f"{self._name}: {error}") from None
        results = [PublishResult("retry", "SNS returned no result for the message")] * len(messages)
        for accepted in response.get("Successful", ()):
            results[int(accepted["Id"])] = PublishResult("accepted")
        for failed in response.get("Failed", ()):
            reason = f"{failed.get('Code', '')}: {failed.get('Message', '')}"
            is_refused = failed.get("SenderFault") and failed.get("Code") not in _THROTTLED
            results[int(failed["Id"])] = PublishResult("refused" if is_refused else "retry", reason)
        return results

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def _entry(self, number: int, message: Message) -> Any:
        entry: dict[str, Any] = {
            "Id": str(number),
            "Message": message.body,
            "MessageAttributes": {
                one.name: {"DataType": one.type, "StringValue": one.value} for one in message.attributes
            },
        }
        if self.in_order:
            entry |= {"MessageGroupId": message.group, "MessageDeduplicationId": message.alert_id}
        return entry
