"""What all of a job's writers to Kafka share: how records are delivered, and how their operators are pinned."""

from __future__ import annotations

from typing import Any

from pyflink.table import StreamTableEnvironment

from jobs.flink_internals.graph import written_nodes
from jobs.pipeline.operator_ids import pin

SHORTEST_REQUEST_TIMEOUT_MS = 30_000


def delivery_properties(linger_ms: int, delivery_timeout_ms: int) -> dict[str, str]:
    """The producer's properties for acknowledged records.

    Sends are retried for `delivery_timeout_ms`; then the job fails and restarts from its last checkpoint. All timeouts of
    the producer are that long, so that a broker outage blocks the job instead of restarting it repeatedly.
    """
    return {
        "acks": "all",
        "enable.idempotence": "true",
        "linger.ms": str(linger_ms),
        "delivery.timeout.ms": str(delivery_timeout_ms),
        "request.timeout.ms": str(min(SHORTEST_REQUEST_TIMEOUT_MS, delivery_timeout_ms - linger_ms)),
        "max.block.ms": str(delivery_timeout_ms),
    }


def insert(statement: str, role: str, table_environment: StreamTableEnvironment) -> None:
    """Add an INSERT to the job's graph, with the uids of its operators pinned under `role`."""
    statements: Any = table_environment.create_statement_set()
    statements.add_insert_sql(statement)
    before = {node.number for node in written_nodes(table_environment)}
    statements.attach_as_datastream()
    written = [node for node in written_nodes(table_environment) if node.number not in before]
    written[-1].identify(role)
    pin(written, role)
