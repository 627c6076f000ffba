"""Alerts to SNS by an operator of their own, keyed in the JVM by a small shard number."""

from __future__ import annotations

from pyflink.common import Types
from pyflink.datastream import DataStream
from pyflink.table import StreamTableEnvironment

from jobs import sql
from jobs.aws_settings import SnsSink, publish_settings, sns_settings
from jobs.operator_ids import pin, pin_one
from jobs.routing import key_by_first
from udfs.dead_letter import LetterForm
from udfs.metric_places import MetricSettings
from udfs.publish_alerts import AlertPublishing, PublishAlerts
from udfs.score_transactions import BYTES, OUTPUT_TYPE

PUBLISH_UID = "publish-alerts"
HEX_DIGITS = 2


def publish_alerts(
    sink: SnsSink, view: str, letters: LetterForm, metrics: MetricSettings, table_environment: StreamTableEnvironment
) -> DataStream:
    """Publish the alerts among the view's rows (topic, key, value, headers); gives rows of what SNS refuses."""
    query = f"SELECT {_shard(sink.shards)}, `value` FROM {view} WHERE topic = {sql.text_literal('alerts')}"
    rows = table_environment.to_append_stream(table_environment.sql_query(query), Types.ROW([Types.STRING(), BYTES]))
    pin([rows._j_data_stream.getTransformation()], PUBLISH_UID)
    settings = AlertPublishing(
        topic=sns_settings(sink), publish=publish_settings(sink), letters=letters, metrics=metrics
    )
    refused = key_by_first(rows, BYTES).process(PublishAlerts(settings), output_type=OUTPUT_TYPE)
    pin_one(refused._j_data_stream.getTransformation(), PUBLISH_UID)
    return refused


def _shard(shards: int) -> str:
    """SQL for the shard of a row's key, a user's id: the last byte of its hash, in the number of shards."""
    digits = [f"(ASCII(SUBSTR(MD5(`key`), {32 - place}, 1)))" for place in range(HEX_DIGITS)]
    return f"CAST(MOD({' + 7 * '.join(digits)}, {shards}) AS STRING)"
