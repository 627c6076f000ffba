"""Kinesis source: a SQL table of raw bytes, read by Flink's FLIP-27 connector."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime

from pyflink.common import Types
from pyflink.datastream import DataStream

from jobs.config.aws import KinesisSource
from jobs.flink_internals.graph import key_by_first, node_of
from jobs.pipeline import sql
from jobs.pipeline.event_source import ROLE, Records, SourceContext
from jobs.pipeline.operator_ids import first_of, pin
from jobs.pipeline.routing import key_expression
from udfs.flink.score_transactions import BYTES
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.record_reader import KinesisRecordReader

_STARTS = {"earliest": "TRIM_HORIZON", "latest": "LATEST", "timestamp": "AT_TIMESTAMP"}
ACCESS_KEY, SECRET_KEY = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
WALL_MS = SYSTEM_CLOCKS.wall_ms


class KinesisEvents:
    """Source of Kinesis records, in order within each shard."""

    def open(self, source: KinesisSource, context: SourceContext) -> Records:
        rows = _kinesis_rows(source, context)
        first_of(node_of(rows)).identify(f"{ROLE}-kinesis")
        pin([node_of(rows)], f"{ROLE}-kinesis")
        reader = KinesisRecordReader(source.stream_arn, None if context.has_ceiling else WALL_MS)
        return Records(key_by_first(rows, BYTES), reader)


def _kinesis_rows(source: KinesisSource, context: SourceContext) -> DataStream:
    """Rows (routing key, payload)."""
    tables = context.table_environment
    tables.execute_sql(table_text(source))
    query = f"SELECT {key_expression('payload', context.key_path)}, payload FROM events"
    return tables.to_append_stream(tables.sql_query(query), Types.ROW([Types.STRING(), BYTES]))


def table_text(source: KinesisSource, environment: Mapping[str, str] | None = None) -> str:
    """CREATE TABLE statement. Without metadata columns: the connector accepts them, but fails when it reads."""
    return f"CREATE TEMPORARY TABLE events (payload BYTES) {sql.options(table_options(source, environment))}"


def table_options(source: KinesisSource, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Options of the table's WITH clause; `source.options` override all others.

    Credentials come from AWS's default chain. With a custom endpoint (an emulator), they are taken from environment
    variables if set, because the chain may first query a metadata service that does not exist there.
    """
    options = {
        "connector": "kinesis",
        "format": "raw",
        "stream.arn": source.stream_arn,
        "aws.region": source.region,
        "source.init.position": _STARTS[source.start],
        "source.reader.empty-records-fetch-interval": f"{source.idle_fetch_ms} ms",
    }
    if source.start_timestamp is not None:
        moment = datetime.fromtimestamp(source.start_timestamp / 1_000, UTC)
        options["source.init.timestamp"] = moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        options["source.init.timestamp.format"] = "yyyy-MM-dd'T'HH:mm:ss.SSSX"
    if source.endpoint is not None:
        options["aws.endpoint"] = source.endpoint
        variables = os.environ if environment is None else environment
        if variables.get(ACCESS_KEY) and variables.get(SECRET_KEY):
            options |= {
                "aws.credentials.provider": "BASIC",
                "aws.credentials.basic.accesskeyid": variables[ACCESS_KEY],
                "aws.credentials.basic.secretkey": variables[SECRET_KEY],
            }
    return options | source.options
