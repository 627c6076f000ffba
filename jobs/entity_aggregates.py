"""The entity aggregates job: `python -m jobs.entity_aggregates --config FILE` here, or by `flink run -py` on a cluster.

source -> by user: whom does each event count for? -> by entity: counts in state -> store
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__" and not __package__:  # `flink run -py` runs this file by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from jobs.aws_check import check_aws
from jobs.command import run_command
from jobs.config import FileSource
from jobs.config_file import load_config_of
from jobs.entity_config import EntityJobConfig, aggregation_settings, routing_settings
from jobs.kafka_check import check_kafka
from jobs.launching import flink_environment, goes_on, launch
from jobs.running import JobResult, RunningJob

if TYPE_CHECKING:
    from pyflink.datastream import StreamExecutionEnvironment

ROUTE_UID, COUNT_UID, END_UID = "route-events", "count-entities", "nothing-more"


def build(config: EntityJobConfig) -> StreamExecutionEnvironment:
    """The pipeline, not yet started; each operator has a pinned uid."""
    from pyflink.java_gateway import get_gateway
    from pyflink.table import StreamTableEnvironment

    from jobs.operator_ids import pin_one
    from jobs.routing import key_by_first
    from jobs.sources import open_source
    from udfs.aggregate_entities import BYTES, DELTA_TYPE, CountEntities, RouteEvents

    environment = flink_environment(config)
    records = open_source(
        config.source,
        StreamTableEnvironment.create(environment),
        restored=goes_on(config),
        has_ceiling=config.aggregates.latest_timestamp is not None,
    )
    deltas = records.stream.process(RouteEvents(routing_settings(config, records.reader)), output_type=DELTA_TYPE)
    if isinstance(config.source, FileSource):
        deltas.set_parallelism(1)  # a file tells no time of arrival: its order is all there is, for each entity as well
    pin_one(deltas._j_data_stream.getTransformation(), ROUTE_UID)
    counted = key_by_first(deltas, BYTES).process(CountEntities(aggregation_settings(config)), output_type=BYTES)
    pin_one(counted._j_data_stream.getTransformation(), COUNT_UID)
    nothing = get_gateway().jvm.org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink()
    pin_one(counted._j_data_stream.sinkTo(nothing).getTransformation(), END_UID)
    return environment


def start(config: EntityJobConfig) -> RunningJob:
    """Start the job in this process (or, under `flink run`, on its cluster) and return its handle.

    Raises ConfigError where Java, brokers, topics, a stream, tables or a bucket are missing, JobFailed where Flink
    refuses the job.
    """
    check_kafka(config)
    check_aws(config)
    return launch(config, build)


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: done, 2: the configuration or the job failed (one line on stderr), 130: cancelled."""
    return run_command(
        partial(load_config_of, EntityJobConfig),
        start,
        _told,
        arguments,
        "entity_aggregates",
        __doc__,
        "like deploy/conf/entities.yaml",
    )


def _told(job: RunningJob, _: JobResult) -> str:
    counts = job.accumulators
    return (
        f"{counts.get('entity-events', 0):,} events, {counts.get('entity-deltas', 0):,} counted for entities, "
        f"{counts.get('entity-bad-records', 0):,} bad records skipped"
    )


if __name__ == "__main__":
    sys.exit(main())
