"""Configuration sections for Kafka: connection, source, control topic and sink.

They hold no credentials: user name and password are read from environment variables (`jobs.kafka.client`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from jobs.config.control import GovernedSection
from jobs.config.event_source import EventSourceSection
from jobs.config.kafka_value_types import (
    BootstrapServers,
    PartitionOffsets,
    TopicName,
    TopicNames,
    TopicPrefix,
    VariableName,
    require_no_secrets,
)
from jobs.config.section import Section
from jobs.config.value_types import ExistingFile, OptionText, Timestamp
from udfs.records.outputs import Destination

SASL = ("SASL_PLAINTEXT", "SASL_SSL")
TLS = ("SSL", "SASL_SSL")
BROKERS_LONGEST_TRANSACTION_MS = 900_000
DELIVERY_TIMEOUT_MS = 300_000
KIB = 1_024


class KafkaConnection(Section):
    """Connection to the brokers. User name and password are read from two environment variables."""

    bootstrap_servers: BootstrapServers = Field(description="comma-separated brokers, `host:port`")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="SSL: encrypted; SASL: authenticated by user name and password"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, description="SASL mechanism; required with SASL"
    )
    username_variable: VariableName = Field(
        default="KAFKA_USERNAME", description="environment variable that holds the SASL user name"
    )
    password_variable: VariableName = Field(
        default="KAFKA_PASSWORD", description="environment variable that holds the SASL password"
    )
    ca_file: ExistingFile | None = Field(
        default=None, description="PEM file of the CA certificates to trust; null: Java's default trust store"
    )
    client_certificate_file: ExistingFile | None = Field(
        default=None,
        description="PEM file with the client's private key (PKCS#8, unencrypted) and certificates, for mutual TLS",
    )
    verify_hostname: bool = Field(default=True, description="verify that a broker's certificate names its host")

    @model_validator(mode="after")
    def _check_protocol(self) -> KafkaConnection:
        if self.security_protocol in SASL and self.sasl_mechanism is None:
            raise ValueError(f"sasl_mechanism is required with security_protocol {self.security_protocol}")
        if self.security_protocol not in SASL and self.sasl_mechanism is not None:
            raise ValueError("sasl_mechanism needs security_protocol SASL_SSL or SASL_PLAINTEXT")
        if self.security_protocol not in TLS and (self.ca_file or self.client_certificate_file):
            raise ValueError("ca_file and client_certificate_file need security_protocol SSL or SASL_SSL")
        return self


class KafkaSource(EventSourceSection):
    """Kafka topics. All events of a user must be in one partition, which keeps their order."""

    kind: Literal["kafka"]
    connection: KafkaConnection = Field(description="connection to the brokers")
    topics: TopicNames = Field(default=("events",), min_length=1, description="topics to read")
    group_id: Annotated[str, Field(min_length=1, max_length=249)] = Field(
        default="fraud-detector", description="consumer group; offsets are committed with each checkpoint"
    )
    start: Literal["earliest", "latest", "group-offsets", "timestamp", "offsets"] = Field(
        default="earliest", description="start position of a job without saved state; a restored job continues from it"
    )
    start_timestamp: Timestamp | None = Field(
        default=None, description="with `start: timestamp`: read records with this timestamp or a later one"
    )
    start_offsets: PartitionOffsets | None = Field(
        default=None, description="with `start: offsets`, one topic: first offset of each partition"
    )
    without_group_offsets: Literal["earliest", "latest"] = Field(
        default="earliest", description="with `start: group-offsets`: start position of partitions without an offset"
    )
    missing_records: Literal["fail", "skip"] = Field(
        default="fail",
        description="if the next records of a restored job are no longer in Kafka (retention): `fail`, or `skip` to the "
        "earliest ones",
    )
    until: Literal["never", "latest"] = Field(
        default="never", description="`latest`: the job ends at the offsets that were the latest when it started"
    )
    properties: dict[str, OptionText] = Field(
        default_factory=dict, description="additional properties of Kafka's consumer; no secrets"
    )

    @model_validator(mode="after")
    def _check_start(self) -> KafkaSource:
        require_no_secrets(self.properties)
        if len(set(self.topics)) < len(self.topics):
            raise ValueError("topics: a topic is listed twice")
        for start, key in (("timestamp", "start_timestamp"), ("offsets", "start_offsets")):
            value = getattr(self, key)
            if self.start == start and not value and value != 0:
                raise ValueError(f"{key} is required with start: {start}")
            if self.start != start and value is not None:
                raise ValueError(f"{key} needs start: {start}")
        if self.start_offsets is not None and len(self.topics) > 1:
            raise ValueError("start_offsets: give one topic: partitions of several are ambiguous")
        return self


class KafkaControl(GovernedSection):
    """Control elements from a compacted Kafka topic of one partition; the job runs until it is stopped."""

    kind: Literal["kafka"]
    connection: KafkaConnection = Field(description="connection to the brokers")
    topic: TopicName = Field(
        default="control", description="control topic; read from its beginning without saved state"
    )


class NoReplies(Section):
    """No replies: decisions go to the sinks only."""

    kind: Literal["none"] = "none"


class KafkaReplies(Section):
    """A slim reply to each record with a header `reply_to`, for callers that wait for their decision (docs/kafka.md).

    Always at least once and without transactions, also where the sinks are exactly-once. Needs a Kafka source.
    """

    kind: Literal["kafka"]
    connection: KafkaConnection = Field(description="connection to the brokers")
    topic: TopicName = Field(
        default="replies", description="topic of the replies; each instance of the API reads one partition"
    )


class KafkaTopics(Section):
    """Names of the topics, without the prefix."""

    decisions: TopicName = Field(default="decisions", description="topic of the decisions")
    alerts: TopicName = Field(default="alerts", description="topic of the alerts")
    flags: TopicName = Field(default="flags", description="topic of compliance flags without an action")
    dead_letters: TopicName = Field(default="dead-letters", description="topic of the dead letters, as raw bytes")


class KafkaSink(Section):
    """Kafka topics of decisions, alerts, flags and dead letters.

    Decisions, alerts and flags are JSON, keyed by user. A dead letter is the record's bytes with headers `reason`,
    `topic`, `partition`, `offset` and `payload_sha256`.
    """

    kind: Literal["kafka"]
    connection: KafkaConnection = Field(description="connection to the brokers")
    topics: KafkaTopics = Field(default_factory=KafkaTopics)
    topic_prefix: TopicPrefix = Field(default="", description="prefix of all topic names, for example `fraud.`")
    guarantee: Literal["at-least-once", "exactly-once"] = Field(
        default="at-least-once",
        description="`exactly-once`: transactions, visible to `read_committed` consumers after each checkpoint",
    )
    transactional_id_prefix: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="required with exactly-once: a name unique among the jobs on these brokers"
    )
    transaction_timeout_ms: int = Field(
        default=BROKERS_LONGEST_TRANSACTION_MS,
        ge=10_000,
        description="with exactly-once: the longest outage without loss; at most the brokers' "
        "transaction.max.timeout.ms (15 minutes by default)",
    )
    linger_ms: int = Field(default=1, ge=0, le=1_000, description="maximum wait of a record for a full batch")
    batch_bytes: int = Field(
        default=131_072,
        ge=0,
        description="maximum size of a batch of one partition; a decision with packed features has 3 kB",
    )
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        default="none", description="compression of batches; every client can read gzip, the others need a library"
    )
    delivery_timeout_ms: int = Field(
        default=DELIVERY_TIMEOUT_MS,
        ge=40_000,
        description="how long sending a record is retried before the job fails (and restarts, if configured)",
    )
    max_request_bytes: int = Field(
        default=2_048 * KIB,
        ge=64 * KIB,
        le=64 * 1_024 * KIB,
        description="maximum size of a record; larger dead letters are truncated, with a header that says so",
    )
    properties: dict[str, OptionText] = Field(
        default_factory=dict, description="additional properties of Kafka's producer; no secrets"
    )

    @model_validator(mode="after")
    def _check_delivery(self) -> KafkaSink:
        require_no_secrets(self.properties)
        if len(set(self.topic_names.values())) < len(self.topic_names):
            raise ValueError("topics: decisions, alerts, flags and dead_letters need different topics")
        if self.guarantee == "exactly-once" and self.transactional_id_prefix is None:
            raise ValueError(
                "transactional_id_prefix is required with guarantee: exactly-once (a name unique to the job)"
            )
        if self.guarantee != "exactly-once" and self.transactional_id_prefix is not None:
            raise ValueError("transactional_id_prefix needs guarantee: exactly-once")
        return self

    @property
    def topic_names(self) -> dict[Destination, str]:
        """Full topic name of each output."""
        prefix, topics = self.topic_prefix, self.topics
        return {
            "decisions": prefix + topics.decisions,
            "alerts": prefix + topics.alerts,
            "flags": prefix + topics.flags,
            "dead-letters": prefix + topics.dead_letters,
        }
