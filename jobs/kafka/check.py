"""Checks brokers and topics before the job is submitted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

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
from jobs.kafka.client import python_settings
from jobs.kafka.connection_errors import connection_errors, why_unreachable

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

ANSWER_SECONDS = 5
BROKERS_LARGEST_RECORD = 1_048_588


@contextmanager
def administration(connection: KafkaConnection) -> Iterator[KafkaAdminClient]:
    """An admin client, closed at the end of the block.

    Raises ConfigError, with a remedy in one line, if the brokers do not respond within 5 s or refuse the connection, and
    for errors of Kafka inside the block.
    """
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError

    settings = python_settings(connection)
    patience_ms = ANSWER_SECONDS * 1_000
    with connection_errors() as seen:
        try:
            client = KafkaAdminClient(**settings, bootstrap_timeout_ms=patience_ms, request_timeout_ms=patience_ms)
        except (KafkaError, OSError) as error:
            raise ConfigError(why_unreachable([*seen, error], connection)) from None
    try:
        yield client
    except KafkaError as error:
        raise ConfigError(f"Kafka at {connection.bootstrap_servers}: {_in_words(error)}") from None
    finally:
        client.close()


def partitions_of(client: KafkaAdminClient, topics: list[str]) -> dict[str, int]:
    """Number of partitions by topic; topics that do not exist are omitted."""
    from kafka.errors import TopicAuthorizationFailedError, for_code

    found: dict[str, int] = {}
    for topic in client.describe_topics(topics):
        error = for_code(topic["error_code"])
        if issubclass(error, TopicAuthorizationFailedError):
            raise error(topic["name"])
        if topic["error_code"] == 0:
            found[topic["name"]] = len(topic["partitions"])
    return found


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
            _require_topics(client, connection, topics)
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


def _require_topics(client: KafkaAdminClient, connection: KafkaConnection, topics: list[str]) -> None:
    found = partitions_of(client, topics)
    missing = [topic for topic in topics if topic not in found]
    if missing:
        raise ConfigError(
            f"Kafka at {connection.bootstrap_servers} has no topic {', '.join(missing)}: "
            "correct the name, or create it with `fraud topics create --config FILE`"
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
    longest = int(_broker_setting(client, "transaction.max.timeout.ms") or BROKERS_LONGEST_TRANSACTION_MS)
    if sink.transaction_timeout_ms > longest:
        raise ConfigError(
            f"sinks[kafka].transaction_timeout_ms {sink.transaction_timeout_ms} is above the brokers' "
            f"transaction.max.timeout.ms {longest}: lower it, or raise the brokers' limit"
        )


def topic_setting(client: KafkaAdminClient, topic: str, name: str) -> str | None:
    """A topic setting; None without permission to read it."""
    return _setting(client, "topic", topic, name)


def _broker_setting(client: KafkaAdminClient, name: str) -> str | None:
    brokers = client.describe_cluster()["brokers"]
    return _setting(client, "broker", str(brokers[0].get("broker_id", brokers[0].get("node_id"))), name)


def _setting(client: KafkaAdminClient, kind: str, resource: str, name: str) -> str | None:
    """Value of a setting; None without permission to read it."""
    from kafka.admin import ConfigResource, ConfigResourceType
    from kafka.errors import AuthorizationError

    try:
        found: Any = client.describe_configs(
            [ConfigResource(ConfigResourceType[kind.upper()], resource, [name])], config_filter="all"
        )
    except AuthorizationError:
        return None
    return str(found[kind][resource][name]["value"])


def _in_words(error: Exception) -> str:
    from kafka.errors import AuthorizationError

    if isinstance(error, AuthorizationError):
        return f"permission denied ({' '.join(str(error).split())}): grant the user the right to read, write or create"
    return " ".join(f"{type(error).__name__}: {error}".split())
