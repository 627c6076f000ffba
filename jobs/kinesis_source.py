"""A Kinesis stream as a SQL table of raw bytes, by Flink's newer connector (FLIP-27)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime

from pyflink.common import Types
from pyflink.datastream import DataStream
from pyflink.table import StreamTableEnvironment

from jobs import sql
from jobs.aws_settings import KinesisSource
from jobs.routing import key_expression
from udfs.score_transactions import BYTES

_STARTS = {"earliest": "TRIM_HORIZON", "latest": "LATEST", "timestamp": "AT_TIMESTAMP"}
ACCESS_KEY, SECRET_KEY = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"


def kinesis_rows(source: KinesisSource, table_environment: StreamTableEnvironment) -> DataStream:
    """Rows (routing key, payload)."""
    table_environment.execute_sql(table_text(source))
    query = f"SELECT {key_expression('payload', source.key_path)}, payload FROM events"
    return table_environment.to_append_stream(table_environment.sql_query(query), Types.ROW([Types.STRING(), BYTES]))


def table_text(source: KinesisSource, environment: Mapping[str, str] | None = None) -> str:
    """The table's definition. It has no metadata columns: this connector accepts them and fails when it reads."""
    return f"CREATE TEMPORARY TABLE events (payload BYTES) {sql.options(table_options(source, environment))}"


def table_options(source: KinesisSource, environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The table's WITH clause; `source.options` has the last word.

    Credentials are AWS's own chain's. With an endpoint of our own, an emulator's, they are those of the environment's
    variables, since the chain may ask a metadata service first that is not there.
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
