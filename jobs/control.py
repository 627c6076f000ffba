"""The control stream: versioned elements that change rules while the job runs, sent to every parallel instance."""

from __future__ import annotations

from pyflink.common import Types
from pyflink.datastream import BroadcastStream
from pyflink.table import StreamTableEnvironment

from jobs import sql
from jobs.config import FileControl, NoControl
from jobs.operator_ids import pin
from jobs.sources import run_by_one
from udfs.score_transactions import BYTES, CONTROL_STATE

NOTHING = "SELECT CAST(nothing AS BYTES) FROM (VALUES (CAST(NULL AS STRING))) AS no_rows(nothing) WHERE 1 = 0"


def open_control(control: NoControl | FileControl, table_environment: StreamTableEnvironment) -> BroadcastStream:
    """Rows (element) of the configured control stream; it is in place, though empty, where none is configured."""
    query = NOTHING
    if isinstance(control, FileControl):
        table = {"connector": "filesystem", "path": control.path, "format": "raw"}
        if control.poll_interval_ms is not None:
            table["source.monitor-interval"] = f"{control.poll_interval_ms} ms"
        table_environment.execute_sql(f"CREATE TEMPORARY TABLE control (payload BYTES) {sql.options(table)}")
        query = "SELECT payload FROM control"
    rows = table_environment.to_append_stream(table_environment.sql_query(query), Types.ROW([BYTES]))
    run_by_one(rows)
    pin([rows._j_data_stream.getTransformation()], f"control-{control.kind}")
    return rows.broadcast(CONTROL_STATE)
