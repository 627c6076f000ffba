"""What Kafka's exceptions in a failed job mean to its user."""

from __future__ import annotations

_GONE = (
    "the next records of the saved state are no longer in Kafka (the topic's retention): restore a newer state, or go on "
    "without the lost records by source.missing_records: skip"
)
_MEANINGS = {
    "OffsetOutOfRangeException": _GONE,
    "NoOffsetForPartitionException": _GONE,
    "RecordTooLargeException": "an output is larger than its topic takes: raise the topic's max.message.bytes to "
    "sinks[kafka].max_request_bytes (`fraud topics create` does for dead letters)",
    "InvalidTxnTimeoutException": "sinks[kafka].transaction_timeout_ms is more than the brokers' "
    "transaction.max.timeout.ms: lower it, or raise theirs",
    "ProducerFencedException": "another job writes with the same sinks[kafka].transactional_id_prefix, or a transaction "
    "was open for longer than transaction_timeout_ms: give each job a prefix of its own",
    "InvalidPidMappingException": "a transaction was open for longer than sinks[kafka].transaction_timeout_ms: the brokers "
    "ended it, and its outputs are lost",
    "TopicAuthorizationException": "Kafka lets this user not read or write a topic: ask for the right to",
    "GroupAuthorizationException": "Kafka lets this user not use the consumer group source.group_id: ask for the right to",
    "TransactionalIdAuthorizationException": "Kafka lets this user not use transactional ids that begin with "
    "sinks[kafka].transactional_id_prefix: ask for the right to",
    "SaslAuthenticationException": "Kafka refuses the name or password: check the environment variables of the connection",
    "UnknownTopicOrPartitionException": "a Kafka topic is missing: make it with `fraud topics create --config FILE`",
    "org.apache.kafka.common.errors.TimeoutException": "the Kafka brokers did not answer in time: start them, then go on "
    "from the last checkpoint with state.restore_from; flink.restart_attempts lets the job do it by itself",
}


def kafka_meaning(causes: list[tuple[str, str]]) -> str | None:
    """The meaning of the innermost of the (Java class, message) that is known here; None without one."""
    for kind, message in reversed(causes):
        plain = kind.replace("org.apache.flink.kafka.shaded.", "")
        for name, meaning in _MEANINGS.items():
            if plain.endswith(name):
                return f"{meaning} ({name.rpartition('.')[2]}{': ' if message else ''}{message})"
    return None
