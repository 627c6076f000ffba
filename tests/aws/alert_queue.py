"""An SNS topic with a subscribed SQS queue."""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from uuid import uuid4

from tests.servers.moto_server import MotoServer


class Received(NamedTuple):
    """One message: its body and its attributes by name."""

    body: str
    attributes: dict[str, str]


class AlertQueue:
    """An SNS topic, and an SQS queue that is subscribed to it, with a filter policy or without."""

    def __init__(self, server: MotoServer, fifo: bool = False) -> None:
        self._server = server
        self._fifo = fifo
        self._sqs = server.client("sqs")
        self._suffix = ".fifo" if fifo else ""
        settings = {"FifoTopic": "true"} if fifo else {}
        made = server.client("sns").create_topic(Name=f"alerts-{uuid4().hex[:8]}{self._suffix}", Attributes=settings)
        self.topic_arn: str = made["TopicArn"]
        self._url = self.subscribe()

    def subscribe(self, filter_policy: dict[str, Any] | None = None) -> str:
        """One more queue of the topic; its address."""
        name = f"queue-{uuid4().hex[:8]}{self._suffix}"
        settings = {"FifoQueue": "true"} if self._fifo else {}
        url: str = self._sqs.create_queue(QueueName=name, Attributes=settings)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        options = {"RawMessageDelivery": "true"}
        if filter_policy is not None:
            options["FilterPolicy"] = json.dumps(filter_policy)
        self._server.client("sns").subscribe(TopicArn=self.topic_arn, Protocol="sqs", Endpoint=arn, Attributes=options)
        return url

    def size(self) -> int:
        names = ["ApproximateNumberOfMessages"]
        found = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        return int(found["Attributes"][names[0]])

    def take_all(self, url: str | None = None) -> list[Received]:
        """All messages, in the order of the queue; they are gone from it then."""
        received: list[Received] = []
        while True:
            answer = self._sqs.receive_message(
                QueueUrl=url or self._url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
            )
            messages = answer.get("Messages", [])
            if not messages:
                return received
            for message in messages:
                attributes = message.get("MessageAttributes", {})
                received.append(
                    Received(message["Body"], {name: one["StringValue"] for name, one in attributes.items()})
                )
            entries = [
                {"Id": str(place), "ReceiptHandle": message["ReceiptHandle"]} for place, message in enumerate(messages)
            ]
            self._sqs.delete_message_batch(QueueUrl=url or self._url, Entries=entries)
