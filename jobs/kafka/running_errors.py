"""Explains Kafka's exceptions in a failed job, with remedies."""

from __future__ import annotations

_GONE = (
    "the next records of the saved state are no longer in Kafka (the topic's retention): restore a newer state, or continue "
    "without the lost records with source.missing_records: skip"
)
_MEANINGS = {
    "OffsetOutOfRangeException": _GONE,
    "NoOffsetForPartitionException": _GONE,
    "RecordTooLargeException": "an output is above its topic's size limit: raise the topic's max.message.bytes to "
    "sinks[kafka].max_request_bytes (`fraud topics create` does for dead letters)",
    "InvalidTxnTimeoutException": "sinks[kafka].transaction_timeout_ms is above the brokers' "
    "transaction.max.timeout.ms: lower it, or raise the brokers' limit",
    "ProducerFencedException": "another job writes with the same sinks[kafka].transactional_id_prefix, or a transaction "
    "was open for longer than transaction_timeout_ms: give each job a unique prefix",
    "InvalidPidMappingException": "a transaction was open for longer than sinks[kafka].transaction_timeout_ms: the brokers "
    "aborted it, and its outputs are lost",
    "TopicAuthorizationException": "permission denied on a Kafka topic: grant the user the right to read or write it",
    "GroupAuthorizationException": "permission denied on the consumer group source.group_id: grant the user the right to "
    "use it",
    "TransactionalIdAuthorizationException": "permission denied on transactional ids with prefix "
    "sinks[kafka].transactional_id_prefix: grant the user the right to use them",
    "SaslAuthenticationException": "Kafka rejects the user name or password: check the environment variables of the "
    "connection",
    "UnknownTopicOrPartitionException": "a Kafka topic does not exist: create it with `fraud topics create --config FILE`",
    "NoClassDefFoundError": "a library that the connector needs is missing; for zstd it is zstd-jni: run `make connectors`, "
    "or add its jar to the directory of the connector",
    "org.apache.kafka.common.errors.TimeoutException": "the Kafka brokers did not respond in time: start them, then restart "
    "from the last checkpoint with state.restore_from; flink.restart_attempts enables automatic recovery",
}


def kafka_meaning(causes: list[tuple[str, str]]) -> str | None:
    """Explanation of the innermost known exception among (Java class, message) pairs; None if none is known."""
    for kind, message in reversed(causes):
        plain = kind.replace("org.apache.flink.kafka.shaded.", "")
        for name, meaning in _MEANINGS.items():
            if plain.endswith(name):
                return f"{meaning} ({name.rpartition('.')[2]}{': ' if message else ''}{message})"
    return None
