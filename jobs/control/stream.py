"""Source of the control stream, which is broadcast to all parallel instances."""

from __future__ import annotations

from pyflink.common import Types
from pyflink.datastream import BroadcastStream
from pyflink.table import StreamTableEnvironment

from jobs.config.job import FileControl, NoControl
from jobs.config.kafka import KafkaControl
from jobs.control.kafka_channel import table_options
from jobs.flink_internals.graph import node_of
from jobs.pipeline import sql
from jobs.pipeline.file_source import read_by_one_instance
from jobs.pipeline.operator_ids import pin
from udfs.flink.score_transactions import BYTES, CONTROL_STATE

NOTHING = "SELECT CAST(nothing AS BYTES) FROM (VALUES (CAST(NULL AS STRING))) AS no_rows(nothing) WHERE 1 = 0"

KAFKA_COLUMNS = "payload BYTES, `partition` INT METADATA VIRTUAL, `offset` BIGINT METADATA VIRTUAL"


def open_control(
    control: NoControl | FileControl | KafkaControl, table_environment: StreamTableEnvironment
) -> BroadcastStream:
    """Broadcast stream of rows (element), for Kafka (element, partition, offset). Empty if no control is configured."""
    query, columns = NOTHING, [BYTES]
    if isinstance(control, FileControl):
        table = {"connector": "filesystem", "path": control.path, "format": "raw"}
        if control.poll_interval_ms is not None:
            table["source.monitor-interval"] = f"{control.poll_interval_ms} ms"
        table_environment.execute_sql(f"CREATE TEMPORARY TABLE control (payload BYTES) {sql.options(table)}")
        query = "SELECT payload FROM control"
    elif isinstance(control, KafkaControl):
        table_environment.execute_sql(
            f"CREATE TEMPORARY TABLE control ({KAFKA_COLUMNS}) {sql.options(table_options(control))}"
        )
        query, columns = "SELECT payload, `partition`, `offset` FROM control", [BYTES, Types.INT(), Types.LONG()]
    rows = table_environment.to_append_stream(table_environment.sql_query(query), Types.ROW(columns))
    read_by_one_instance(rows)
    pin([node_of(rows)], f"control-{control.kind}")
    return rows.broadcast(CONTROL_STATE)
