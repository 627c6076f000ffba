"""One broker, one JVM and one tiny model bundle for all tests with Kafka; topics of its own for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from jobs.config.job import JobConfig
from jobs.config.loading import parse_config
from tests.kafka.topics import Topics
from tests.servers.connectors import fetch_connectors
from tests.servers.kafka_broker import Broker

ConfigureKafka = Callable[..., JobConfig]
PARTITIONS = 4


@pytest.fixture(scope="session", autouse=True)
def connectors() -> None:
    fetch_connectors()


def make_topics(broker: Broker) -> Topics:
    """New topics of four partitions: events, decisions, alerts, flags and dead letters."""
    made = Topics(broker.servers, prefix=f"t{uuid4().hex[:8]}.")
    broker.create_topics(PARTITIONS, *made.names())
    return made


@pytest.fixture
def topics(broker: Broker) -> Topics:
    return make_topics(broker)


@pytest.fixture
def configure_kafka(broker: Broker, topics: Topics, bundle: Path, log_directory: Path) -> ConfigureKafka:
    return configuration(broker, topics, bundle, log_directory)


def configuration(broker: Broker, topics: Topics, bundle: Path, log_directory: Path) -> ConfigureKafka:
    """Makes configurations from Kafka to Kafka that end at the records that are there; sections are laid over them."""

    def make(connection: dict[str, Any] | None = None, **sections: Any) -> JobConfig:
        connection = {"bootstrap_servers": broker.servers} | (connection or {})
        tree: dict[str, Any] = {
            "source": {"kind": "kafka", "connection": connection, "topics": [topics.events], "until": "latest"}
            | sections.pop("source", {}),
            "sinks": [
                {"kind": "kafka", "connection": connection, "topic_prefix": topics.prefix} | sections.pop("sink", {}),
                *sections.pop("more_sinks", []),
            ],
            "scoring": {"bundle": str(bundle), "log_features": False} | sections.pop("scoring", {}),
            "flink": {"log_directory": str(log_directory)} | sections.pop("flink", {}),
            **sections,
        }
        return parse_config(tree)

    return make
