"""Checks brokers and topics before the job is submitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.config.entity_job import EntityJobConfig
from jobs.config.errors import ConfigError
from jobs.config.job import JobConfig
from jobs.config.kafka import (
    BROKERS_LONGEST_TRANSACTION_MS,
    KafkaConnection,
    KafkaControl,
    KafkaReplies,
    KafkaSink,
    KafkaSource,
)
from jobs.kafka.administration import administration, broker_setting, partitions_of, require_topics, topic_setting

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

BROKERS_LARGEST_RECORD = 1_048_588


def check_kafka(config: JobConfig | EntityJobConfig) -> None:
    """Check that brokers accept the connection, topics exist, and topic and broker limits allow all outputs.

    Blocks for about 0.1 s, up to 5 s if brokers do not respond. Raises ConfigError, with a remedy in one line.
    """
    source = config.source if isinstance(config.source, KafkaSource) else None
    sinks, control_stream = (config.sinks, config.control) if isinstance(config, JobConfig) else ((), None)
    sink = next((sink for sink in sinks if isinstance(sink, KafkaSink)), None)
    wanted: list[tuple[KafkaConnection, list[str]]] = []
    if source is not None:
        wanted.append((source.connection, list(source.topics)))
    if sink is not None:
        outputs = list(sink.topic_names.values())
        if wanted and wanted[0][0] == sink.connection:
            wanted[0][1].extend(outputs)
        else:
            wanted.append((sink.connection, outputs))
    control = control_stream if isinstance(control_stream, KafkaControl) else None
    if control is not None:
        wanted.append((control.connection, [control.topic]))
    if isinstance(config, JobConfig) and isinstance(config.replies, KafkaReplies):
        wanted.append((config.replies.connection, [config.replies.topic]))
    for connection, topics in wanted:
        with administration(connection) as client:
            require_topics(client, connection, topics)
            if control is not None and topics == [control.topic]:
                _require_one_partition(client, control)
            if source is not None and connection == source.connection:
                _require_offsets(client, source)
            if sink is not None and connection == sink.connection:
                _require_room(client, sink)
                _require_transactions(client, sink)


def _require_one_partition(client: KafkaAdminClient, control: KafkaControl) -> None:
    count = partitions_of(client, [control.topic])[control.topic]
    if count != 1:
        raise ConfigError(
            f"control topic {control.topic} has {count} partitions, it must have exactly one: elements are ordered"
        )


def _require_offsets(client: KafkaAdminClient, source: KafkaSource) -> None:
    if source.start_offsets is None:
        return
    count = partitions_of(client, list(source.topics))[source.topics[0]]
    partitions = set(range(count))
    if set(source.start_offsets) != partitions:
        raise ConfigError(
            f"source.start_offsets: topic {source.topics[0]} has partitions 0 to {count - 1}: give an offset for each"
        )


def _require_room(client: KafkaAdminClient, sink: KafkaSink) -> None:
    """The dead-letter topic must accept the producer's largest request."""
    topic = sink.topic_names["dead-letters"]
    largest = int(topic_setting(client, topic, "max.message.bytes") or BROKERS_LARGEST_RECORD)
    if largest < sink.max_request_bytes:
        raise ConfigError(
            f"topic {topic} accepts records up to {largest} bytes, but sinks[kafka].max_request_bytes is "
            f"{sink.max_request_bytes}: raise the topic's max.message.bytes (`fraud topics create` does), or lower "
            "max_request_bytes"
        )


def _require_transactions(client: KafkaAdminClient, sink: KafkaSink) -> None:
    if sink.guarantee != "exactly-once":
        return
    longest = int(broker_setting(client, "transaction.max.timeout.ms") or BROKERS_LONGEST_TRANSACTION_MS)
    if sink.transaction_timeout_ms > longest:
        raise ConfigError(
            f"sinks[kafka].transaction_timeout_ms {sink.transaction_timeout_ms} is above the brokers' "
            f"transaction.max.timeout.ms {longest}: lower it, or raise the brokers' limit"
        )
