"""SNS sink: a separate operator publishes alerts, keyed by a small shard number that is computed in the JVM."""

from __future__ import annotations

from pyflink.common import Types
from pyflink.datastream import DataStream

from jobs.config.aws import SnsSink, publish_settings, sns_settings
from jobs.flink_internals.graph import key_by_first, node_of
from jobs.pipeline import sql
from jobs.pipeline.operator_ids import pin
from jobs.pipeline.output_sink import Outputs
from udfs.flink.publish_alerts import AlertPublishing, PublishAlerts
from udfs.flink.score_transactions import BYTES, OUTPUT_TYPE

PUBLISH_UID = "publish-alerts"
"""Used in place of the role: at most one sink of this kind exists, and savepoints refer to this uid."""
HEX_DIGITS = 2


class SnsAlerts:
    """Publishes the alerts; rows of other topics are ignored.

    During an outage of SNS decisions continue: alerts are buffered in state, up to `waiting_limit` per shard; beyond it
    the operator blocks.
    """

    def write(self, sink: SnsSink, outputs: Outputs, role: str) -> DataStream | None:
        """Returns the alerts that SNS rejects permanently, as dead letters."""
        tables = outputs.table_environment
        query = f"SELECT {_shard(sink.shards)}, `value` FROM {outputs.view} WHERE topic = {sql.text_literal('alerts')}"
        rows = tables.to_append_stream(tables.sql_query(query), Types.ROW([Types.STRING(), BYTES]))
        pin([node_of(rows)], PUBLISH_UID)
        settings = AlertPublishing(
            topic=sns_settings(sink), publish=publish_settings(sink), letters=outputs.letters, metrics=outputs.metrics
        )
        refused = key_by_first(rows, BYTES).process(PublishAlerts(settings), output_type=OUTPUT_TYPE)
        node_of(refused).identify(PUBLISH_UID)
        return refused

    def write_refused(self, sink: SnsSink, refused: Outputs, role: str) -> None:
        """No-op: SNS takes no dead letters."""


def _shard(shards: int) -> str:
    """SQL expression for the shard of a row: the last two hex digits of the MD5 of its key (the user id), modulo shards."""
    digits = [f"(ASCII(SUBSTR(MD5(`key`), {32 - position}, 1)))" for position in range(HEX_DIGITS)]
    return f"CAST(MOD({' + 7 * '.join(digits)}, {shards}) AS STRING)"
