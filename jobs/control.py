"""The control stream: versioned elements that change rules while the job runs, sent to every parallel instance."""

from __future__ import annotations

from pyflink.common import Types
from pyflink.datastream import BroadcastStream
from pyflink.table import StreamTableEnvironment

from jobs import sql
from jobs.config import FileControl, NoControl
from jobs.kafka_control import table_options
from jobs.kafka_settings import KafkaControl
from jobs.operator_ids import pin
from jobs.sources import run_by_one
from udfs.score_transactions import BYTES, CONTROL_STATE

NOTHING = "SELECT CAST(nothing AS BYTES) FROM (VALUES (CAST(NULL AS STRING))) AS no_rows(nothing) WHERE 1 = 0"

KAFKA_COLUMNS = "payload BYTES, `partition` INT METADATA VIRTUAL, `offset` BIGINT METADATA VIRTUAL"


def open_control(
    control: NoControl | FileControl | KafkaControl, table_environment: StreamTableEnvironment
) -> BroadcastStream:
    """Rows (element), from Kafka (element, partition, offset), of the configured control stream.

    Where none is configured it is in place, though empty.
    """
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
    run_by_one(rows)
    pin([rows._j_data_stream.getTransformation()], f"control-{control.kind}")
    return rows.broadcast(CONTROL_STATE)
