"""The topics of a configuration, and creating the missing ones."""

from __future__ import annotations

from typing import Literal, NamedTuple

from jobs.config.errors import ConfigError
from jobs.config.job import JobConfig
from jobs.config.kafka import KafkaConnection, KafkaControl, KafkaReplies, KafkaSink, KafkaSource
from jobs.kafka.administration import administration, partitions_of, topic_setting

LARGEST = "max.message.bytes"
REPLY_SETTINGS = {"retention.ms": "600000"}
"""Nobody waits longer for a reply."""


class Topic(NamedTuple):
    """A topic of a job with its required settings. `partitions` None: as given by the user."""

    connection: KafkaConnection
    name: str
    settings: dict[str, str]
    partitions: int | None = None


class TopicState(NamedTuple):
    """Outcome for one topic, and its number of partitions."""

    name: str
    state: Literal["made", "was there", "was there, its largest record raised"]
    partitions: int


def topics_of(config: JobConfig) -> list[Topic]:
    """All topics of the configuration: those of source, sinks, control stream and replies."""
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
    if isinstance(config.replies, KafkaReplies):
        found.append(Topic(config.replies.connection, config.replies.topic, REPLY_SETTINGS))
    return found


def create_topics(topics: list[Topic], partitions: int, replication: int | None) -> list[TopicState]:
    """Create the missing topics; existing ones keep their partitions.

    `replication` None: the brokers' default. Blocks until the topics exist. Raises ConfigError.
    """
    return [_create(topic, partitions, replication) for topic in topics]


def _create(topic: Topic, partitions: int, replication: int | None) -> TopicState:
    from kafka.admin import ConfigResource, ConfigResourceType
    from kafka.errors import for_code

    with administration(topic.connection) as client:
        existing = partitions_of(client, [topic.name])
        if topic.name in existing:
            count = existing[topic.name]
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
            raise ConfigError(f"topic {topic.name} cannot be created: {reason}")
        client.wait_for_topics([topic.name])
        return TopicState(topic.name, "made", topic.partitions or partitions)
