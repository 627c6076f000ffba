"""Writes an erasure to the topics of a job's events, so that the job and its readers forget a user."""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from jobs.config.errors import ConfigError
from jobs.config.job import JobConfig
from jobs.config.kafka import KafkaSource
from jobs.config.record_format import record_format
from jobs.kafka.administration import administration, require_topics
from jobs.kafka.client import librdkafka_settings
from udfs.records.events import Erasure
from udfs.records.key_path import record_with, steps_of

SETTINGS: dict[str, Any] = {
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 0,
    "partitioner": "murmur2_random",  # the partition that the Java client chooses for the key
    "message.timeout.ms": 10_000,
}
FLUSH_SECONDS = 15.0


def publish_erasure(config: JobConfig, erasure: Erasure) -> list[str]:
    """Write the erasure to each topic of the job's events, keyed by the user; returns the topics.

    Blocks until the brokers have it. Raises ConfigError if they do not take it, and for a source that is not Kafka.
    """
    source = config.source
    if not isinstance(source, KafkaSource):
        told = erasure_payload(erasure, record_format(source, config.s3).key_path).decode()
        raise ConfigError(f"source.kind: {source.kind} is not written to: add this record to the user's events: {told}")
    with administration(source.connection) as client:
        require_topics(client, source.connection, list(source.topics))
    payload = erasure_payload(erasure, record_format(source, config.s3).key_path)
    failures: list[str] = []

    def on_delivery(error: Any, _: Any) -> None:
        if error is not None:
            failures.append(error.str())

    from confluent_kafka import KafkaException, Producer

    try:
        producer: Any = Producer(librdkafka_settings(source.connection) | SETTINGS, logger=logging.getLogger("kafka"))
        for topic in source.topics:
            producer.produce(topic, payload, key=erasure.user_id.encode(), on_delivery=on_delivery)
        waiting = producer.flush(FLUSH_SECONDS)
    except KafkaException as error:
        raise ConfigError(f"the erasure was not written: {error}; try again") from None
    if failures or waiting:
        raise ConfigError(f"the erasure was not written: {failures[0] if failures else 'no answer'}; try again")
    return list(source.topics)


def erasure_payload(erasure: Erasure, key_path: str) -> bytes:
    """The record of an erasure: an event of docs/events.md, with the user's id also at the path of the source's key."""
    return msgspec.json.encode(record_with(erasure.user_id, steps_of(key_path)) | msgspec.to_builtins(erasure))
