"""Finds the partition of the topic of replies that a reply key leads to."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

PRODUCER: dict[str, Any] = {
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 0,
    "partitioner": "murmur2_random",  # the partition that the Java client chooses for the key
    "message.timeout.ms": 30_000,
}
START_SECONDS = 20.0
CLIENT_LOG = logging.getLogger("kafka")


class Place(NamedTuple):
    """A partition, and the offset from which replies are read."""

    partition: int
    offset: int


class NoReplyTopic(Exception):
    """The topic of replies cannot be written or read; the message says what to do."""


def place_of(key: bytes, topic: str, client: Mapping[str, Any]) -> Place:
    """Write a record with the key: where it lands tells the partition that Kafka's partitioner gives to the key.

    `client`: librdkafka's settings of the connection. Blocks. Raises NoReplyTopic.
    """
    from confluent_kafka import KafkaException, Producer

    told: list[Place | str] = []

    def on_delivery(error: Any, record: Any) -> None:
        told.append(error.str() if error is not None else Place(record.partition(), record.offset()))

    settings = dict(client) | PRODUCER | {"message.timeout.ms": int(START_SECONDS * 1_000)}
    try:
        producer: Any = Producer(settings, logger=CLIENT_LOG)
        producer.produce(topic, None, key=key, on_delivery=on_delivery)
        producer.flush(START_SECONDS)
    except KafkaException as error:
        raise NoReplyTopic(f"topic {topic}: {error}") from None
    place = told[0] if told else f"no answer within {START_SECONDS:.0f} s"
    if isinstance(place, Place):
        return place
    raise NoReplyTopic(f"topic {topic}: {place}; create it with `fraud topics create --config FILE`, start the brokers")
