"""Lower bound: the job's Kafka source and sink with only SQL in between, `python -m benchmarks.pass_through CONFIG`."""

from __future__ import annotations

import sys

from jobs.config.kafka import KafkaSink, KafkaSource
from jobs.config.loading import load_config
from jobs.runtime.environment import flink_settings, start_java


def main(config_file: str) -> None:
    """Copies each record of the source to the decisions topic, with the job's key; runs until killed."""
    config = load_config(config_file)
    source, sink = config.source, config.sinks[0]
    assert isinstance(source, KafkaSource)
    assert isinstance(sink, KafkaSink)
    start_java(config.flink.log_directory)
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import StreamTableEnvironment

    from jobs.kafka.sink import write_kafka
    from jobs.kafka.source import table_options
    from jobs.pipeline import sql
    from jobs.pipeline.routing import key_expression

    settings = Configuration()
    for option, value in flink_settings(config).items():
        settings.set_string(option, value)
    environment = StreamExecutionEnvironment.get_execution_environment(settings)
    tables = StreamTableEnvironment.create(environment)
    tables.execute_sql(f"CREATE TEMPORARY TABLE events (payload BYTES) {sql.options(table_options(source))}")
    key = key_expression("payload", source.key_path)
    rows = tables.sql_query(
        f"SELECT 'decisions' AS `topic`, {key} AS `key`, payload AS `value`, "
        "CAST(NULL AS MAP<STRING, BYTES>) AS `headers` FROM events"
    )
    tables.create_temporary_view("outputs", rows)
    write_kafka(sink, "outputs", "sink-kafka", tables)
    environment.execute("pass-through")


if __name__ == "__main__":
    main(sys.argv[1])
