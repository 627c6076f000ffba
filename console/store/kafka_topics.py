"""What brokers tell of topics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobs.config.kafka import KafkaConnection

PATIENCE_SECONDS = 10.0


def retention_ms(connection: KafkaConnection, topics: Sequence[str]) -> dict[str, int | None]:
    """How long each topic keeps a record; None: without limit. Raises ConfigError if the brokers do not tell."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient, ConfigResource  # type: ignore[attr-defined]

    from jobs.config.errors import ConfigError
    from jobs.kafka.client import librdkafka_settings

    admin = AdminClient(dict(librdkafka_settings(connection)))
    asked: dict[Any, Any] = admin.describe_configs(
        [ConfigResource(ConfigResource.Type.TOPIC, topic) for topic in topics], request_timeout=PATIENCE_SECONDS
    )
    found: dict[str, int | None] = {}
    for resource, future in asked.items():
        try:
            entries = future.result(timeout=PATIENCE_SECONDS)
        except (KafkaException, TimeoutError) as error:
            raise ConfigError(
                f"the brokers do not tell how long topic {resource.name} keeps records: {error}"
            ) from None
        kept = int(entries["retention.ms"].value)
        deletes = "delete" in entries["cleanup.policy"].value
        found[resource.name] = kept if deletes and kept >= 0 else None
    return found
