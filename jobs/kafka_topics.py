"""The topics that a job's configuration names, and making those that are not there."""

from __future__ import annotations

from typing import Literal, NamedTuple

from jobs.config import JobConfig
from jobs.config_errors import ConfigError
from jobs.kafka_check import administration, partitions_of, topic_setting
from jobs.kafka_settings import KafkaConnection, KafkaControl, KafkaSink, KafkaSource

LARGEST = "max.message.bytes"


class Topic(NamedTuple):
    """A topic of a job, with the settings that it needs."""

    connection: KafkaConnection
    name: str
    settings: dict[str, str]
    partitions: int | None = None


class TopicState(NamedTuple):
    """What became of a topic, and how many partitions it has."""

    name: str
    state: Literal["made", "was there", "was there, its largest record raised"]
    partitions: int


def topics_of(config: JobConfig) -> list[Topic]:
    """All topics of the configuration: the source's first, then the sink's."""
    found = []
    if isinstance(config.source, KafkaSource):
        found += [Topic(config.source.connection, name, {}) for name in config.source.topics]
    for sink in config.sinks:
        if isinstance(sink, KafkaSink):
            for destination, name in sink.topic_names.items():
                settings = {LARGEST: str(sink.max_request_bytes)} if destination == "dead-letters" else {}
                found.append(Topic(sink.connection, name, settings))
    if isinstance(config.control, KafkaControl):
        control = config.control
        found.append(Topic(control.connection, control.topic, {"cleanup.policy": "compact"}, partitions=1))
    return found


def create_topics(topics: list[Topic], partitions: int, replication: int | None) -> list[TopicState]:
    """Make the topics that are missing; those that are there keep their partitions.

    `replication` None: as the brokers do by default. Raises ConfigError.
    """
    return [_create(topic, partitions, replication) for topic in topics]


def _create(topic: Topic, partitions: int, replication: int | None) -> TopicState:
    from kafka.admin import ConfigResource, ConfigResourceType
    from kafka.errors import for_code

    with administration(topic.connection) as client:
        there = partitions_of(client, [topic.name])
        if topic.name in there:
            count = there[topic.name]
            wanted = int(topic.settings.get(LARGEST, "0"))
            if int(topic_setting(client, topic.name, LARGEST) or wanted) >= wanted:
                return TopicState(topic.name, "was there", count)
            client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, {LARGEST: str(wanted)})])
            return TopicState(topic.name, "was there, its largest record raised", count)
        plan = {
            topic.name: {
                "num_partitions": topic.partitions or partitions,
                "replication_factor": -1 if replication is None else replication,
                "configs": topic.settings,
            }
        }
        answer = client.create_topics(plan, raise_errors=False)["topics"][0]
        if answer["error_code"]:
            reason = answer["error_message"] or for_code(answer["error_code"]).__name__
            raise ConfigError(f"topic {topic.name} cannot be made: {reason}")
        client.wait_for_topics([topic.name])
        return TopicState(topic.name, "made", topic.partitions or partitions)
