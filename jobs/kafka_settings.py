"""The configuration's sections about Kafka: how to connect, where records come from, where outputs go.

Names and passwords are in none of them: they come from the environment (`jobs.kafka_client`).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from jobs.config_types import ExistingFile, KeyPath, OptionText, Timestamp
from jobs.kafka_types import (
    BootstrapServers,
    PartitionOffsets,
    TopicName,
    TopicNames,
    TopicPrefix,
    VariableName,
    require_no_secrets,
)
from jobs.section import Section
from udfs.outputs import Destination

SASL = ("SASL_PLAINTEXT", "SASL_SSL")
TLS = ("SSL", "SASL_SSL")
BROKERS_LONGEST_TRANSACTION_MS = 900_000
KIB = 1_024


class KafkaConnection(Section):
    """How to reach the brokers. Name and password come from two environment variables, never from a file."""

    bootstrap_servers: BootstrapServers = Field(description="one or more brokers, `host:port` with commas between them")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        default="PLAINTEXT", description="whether the connection is encrypted (SSL), and by name and password (SASL)"
    )
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = Field(
        default=None, description="how name and password are proven; required with SASL"
    )
    username_variable: VariableName = Field(
        default="KAFKA_USERNAME", description="environment variable that holds the SASL name"
    )
    password_variable: VariableName = Field(
        default="KAFKA_PASSWORD", description="environment variable that holds the SASL password"
    )
    ca_file: ExistingFile | None = Field(
        default=None, description="PEM file of the authorities that signed the brokers' certificates; none: Java's own"
    )
    client_certificate_file: ExistingFile | None = Field(
        default=None,
        description="PEM file with our private key (PKCS#8, not encrypted) and certificates, for mutual TLS",
    )
    verify_hostname: bool = Field(default=True, description="whether a broker's certificate must name its host")

    @model_validator(mode="after")
    def _fits_protocol(self) -> KafkaConnection:
        if self.security_protocol in SASL and self.sasl_mechanism is None:
            raise ValueError(f"sasl_mechanism is required with security_protocol {self.security_protocol}")
        if self.security_protocol not in SASL and self.sasl_mechanism is not None:
            raise ValueError("sasl_mechanism needs security_protocol SASL_SSL or SASL_PLAINTEXT")
        if self.security_protocol not in TLS and (self.ca_file or self.client_certificate_file):
            raise ValueError("ca_file and client_certificate_file need security_protocol SSL or SASL_SSL")
        return self


class KafkaSource(Section):
    """Kafka topics that hold all of a user's events on one partition, so that their order is the log's."""

    kind: Literal["kafka"]
    connection: KafkaConnection = Field(description="how to reach the brokers")
    topics: TopicNames = Field(default=("events",), min_length=1, description="topics to read")
    group_id: Annotated[str, Field(min_length=1, max_length=249)] = Field(
        default="fraud-detector", description="consumer group; its offsets are committed with each checkpoint"
    )
    start: Literal["earliest", "latest", "group-offsets", "timestamp", "offsets"] = Field(
        default="earliest", description="where a job without saved state begins; a restored one goes on where it was"
    )
    start_timestamp: Timestamp | None = Field(
        default=None, description="with `start: timestamp`: the first record of each partition that arrived then"
    )
    start_offsets: PartitionOffsets | None = Field(
        default=None, description="with `start: offsets`, one topic: offset of the first record by partition"
    )
    without_group_offsets: Literal["earliest", "latest"] = Field(
        default="earliest", description="with `start: group-offsets`: where partitions without an offset begin"
    )
    missing_records: Literal["fail", "skip"] = Field(
        default="fail",
        description="a restored job's next records are no longer in Kafka (retention): `skip` goes on at the earliest",
    )
    until: Literal["never", "latest"] = Field(
        default="never", description="`latest`: the job ends at the records that were there when it started"
    )
    key_path: KeyPath = Field(
        default="$.user_id", description="JSON path of the user's id, by which records are routed"
    )
    properties: dict[str, OptionText] = Field(
        default_factory=dict, description="further properties of Kafka's consumer; no secrets"
    )

    @model_validator(mode="after")
    def _start_is_told(self) -> KafkaSource:
        require_no_secrets(self.properties)
        if len(set(self.topics)) < len(self.topics):
            raise ValueError("topics: a topic is named twice")
        for start, key in (("timestamp", "start_timestamp"), ("offsets", "start_offsets")):
            value = getattr(self, key)
            if self.start == start and not value and value != 0:
                raise ValueError(f"{key} is required with start: {start}")
            if self.start != start and value is not None:
                raise ValueError(f"{key} needs start: {start}")
        if self.start_offsets is not None and len(self.topics) > 1:
            raise ValueError("start_offsets: give one topic, since partitions of several cannot be told apart")
        return self


class KafkaControl(Section):
    """Control elements from a Kafka topic of one partition, compacted by key; the job runs until it is stopped."""

    kind: Literal["kafka"]
    connection: KafkaConnection = Field(description="how to reach the brokers")
    topic: TopicName = Field(default="control", description="the topic; a job without saved state reads all of it")


class KafkaTopics(Section):
    """The topics' names, before the prefix."""

    decisions: TopicName = Field(default="decisions", description="topic of the decisions")
    alerts: TopicName = Field(default="alerts", description="topic of the alerts")
    flags: TopicName = Field(default="flags", description="topic of compliance flags without an action")
    dead_letters: TopicName = Field(default="dead-letters", description="topic of the dead letters, as raw bytes")


class KafkaSink(Section):
    """Kafka topics of decisions, alerts, flags and dead letters.

    Decisions, alerts and flags are JSON, keyed by user. A dead letter is the record's own bytes with headers `reason`,
    `topic`, `partition`, `offset` and `payload_sha256`.
    """

    kind: Literal["kafka"]
    connection: KafkaConnection = Field(description="how to reach the brokers")
    topics: KafkaTopics = Field(default_factory=KafkaTopics)
    topic_prefix: TopicPrefix = Field(default="", description="put before each topic's name, for example `fraud.`")
    guarantee: Literal["at-least-once", "exactly-once"] = Field(
        default="at-least-once",
        description="`exactly-once`: by transactions, seen by `read_committed` readers after each checkpoint",
    )
    transactional_id_prefix: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="required with exactly-once: a name that no other job on these brokers uses"
    )
    transaction_timeout_ms: int = Field(
        default=BROKERS_LONGEST_TRANSACTION_MS,
        ge=10_000,
        description="with exactly-once: the longest outage that loses nothing; at most the brokers' "
        "transaction.max.timeout.ms (15 minutes unless changed)",
    )
    linger_ms: int = Field(default=3, ge=0, le=1_000, description="how long a record waits for others to go with it")
    batch_bytes: int = Field(
        default=131_072,
        ge=0,
        description="so many bytes of one partition go at once; a decision with features has 4 kB",
    )
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = Field(
        default="none", description="compression; readers need its library, which only gzip's is everywhere"
    )
    delivery_timeout_ms: int = Field(
        default=300_000,
        ge=40_000,
        description="how long a record is tried to be sent before the job fails (and starts again, if it may)",
    )
    max_request_bytes: int = Field(
        default=2_048 * KIB,
        ge=64 * KIB,
        le=64 * 1_024 * KIB,
        description="largest record to send; dead letters above it are cut, and say so in a header",
    )
    properties: dict[str, OptionText] = Field(
        default_factory=dict, description="further properties of Kafka's producer; no secrets"
    )

    @model_validator(mode="after")
    def _deliverable(self) -> KafkaSink:
        require_no_secrets(self.properties)
        if len(set(self.topic_names.values())) < len(self.topic_names):
            raise ValueError("topics: decisions, alerts, flags and dead_letters need a topic each")
        if self.guarantee == "exactly-once" and self.transactional_id_prefix is None:
            raise ValueError("transactional_id_prefix is required with guarantee: exactly-once (a name of this job's)")
        if self.guarantee != "exactly-once" and self.transactional_id_prefix is not None:
            raise ValueError("transactional_id_prefix needs guarantee: exactly-once")
        return self

    @property
    def topic_names(self) -> dict[Destination, str]:
        """The whole name of each output's topic."""
        prefix, topics = self.topic_prefix, self.topics
        return {
            "decisions": prefix + topics.decisions,
            "alerts": prefix + topics.alerts,
            "flags": prefix + topics.flags,
            "dead-letters": prefix + topics.dead_letters,
        }
