"""What is asked of the brokers: their topics and settings, each failure as one line with a remedy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jobs.config.errors import ConfigError
from jobs.config.kafka import KafkaConnection
from jobs.kafka.client import python_settings
from jobs.kafka.connection_errors import connection_errors, why_unreachable

if TYPE_CHECKING:
    from kafka import KafkaAdminClient

ANSWER_SECONDS = 5


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


def require_topics(client: KafkaAdminClient, connection: KafkaConnection, topics: list[str]) -> None:
    """Raises ConfigError, with a remedy in one line, for topics that do not exist."""
    found = partitions_of(client, topics)
    missing = [topic for topic in topics if topic not in found]
    if missing:
        raise ConfigError(
            f"Kafka at {connection.bootstrap_servers} has no topic {', '.join(missing)}: "
            "correct the name, or create it with `fraud topics create --config FILE`"
        )


def topic_setting(client: KafkaAdminClient, topic: str, name: str) -> str | None:
    """A topic setting; None without permission to read it."""
    return _setting(client, "topic", topic, name)


def broker_setting(client: KafkaAdminClient, name: str) -> str | None:
    """A setting of the brokers; None without permission to read it."""
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
