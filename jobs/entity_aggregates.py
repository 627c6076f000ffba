"""The entity aggregates job. Run it with `python -m jobs.entity_aggregates --config FILE`, or `flink run -py` on a cluster.

source -> keyed by user: entities of each event -> keyed by entity: counts in state -> store
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__" and not __package__:  # `flink run -py` runs this file by its path
    here = Path(__file__).resolve().parent
    # With this folder on the path, jobs/kafka would stand for the package kafka.
    sys.path[:] = [str(here.parent), *(entry for entry in sys.path if Path(entry).resolve() != here)]

from jobs.aws.check import check_aws
from jobs.config.entity_job import EntityJobConfig, aggregation_settings, routing_settings
from jobs.config.loading import load_config_of
from jobs.config.record_format import record_format
from jobs.kafka.check import check_kafka
from jobs.runtime.command import run_command
from jobs.runtime.launching import flink_environment, launch, restores_source
from jobs.runtime.running import JobResult, RunningJob

if TYPE_CHECKING:
    from pyflink.datastream import StreamExecutionEnvironment

ROUTE_UID, COUNT_UID, END_UID = "route-events", "count-entities", "nothing-more"


def build(config: EntityJobConfig) -> StreamExecutionEnvironment:
    """Build the pipeline without starting it; all operators have pinned uids."""
    from pyflink.table import StreamTableEnvironment

    from jobs.flink_internals.graph import discard, key_by_first, node_of
    from jobs.pipeline.event_source import SourceContext
    from jobs.pipeline.sources import open_source
    from udfs.flink.aggregate_entities import BYTES, DELTA_TYPE, CountEntities, RouteEvents

    environment = flink_environment(config)
    key_path, decode = record_format(config.source, config.s3)
    context = SourceContext(
        StreamTableEnvironment.create(environment),
        key_path,
        restored=restores_source(config),
        has_ceiling=config.aggregates.latest_timestamp is not None,
    )
    records = open_source(config.source, context)
    deltas = records.stream.process(
        RouteEvents(routing_settings(config, records.reader, decode)), output_type=DELTA_TYPE
    )
    if records.is_one_sequence:
        deltas.set_parallelism(1)  # keeps the file's order for each entity
    node_of(deltas).identify(ROUTE_UID)
    counted = key_by_first(deltas, BYTES).process(CountEntities(aggregation_settings(config)), output_type=BYTES)
    node_of(counted).identify(COUNT_UID)
    discard(counted).identify(END_UID)
    return environment


def start(config: EntityJobConfig) -> RunningJob:
    """Start the job in this process (under `flink run`: on the cluster) and return its handle.

    Raises ConfigError if Java, brokers, topics, a stream, tables or a bucket are missing, JobFailed if Flink rejects the
    job.
    """
    check_kafka(config)
    check_aws(config)
    return launch(config, build)


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: finished, 2: invalid configuration or failed job (one line on stderr), 130: cancelled."""
    return run_command(
        partial(load_config_of, EntityJobConfig),
        start,
        _summary,
        arguments,
        "entity_aggregates",
        __doc__,
        "like deploy/conf/entities.yaml",
    )


def _summary(job: RunningJob, _: JobResult) -> str:
    counts = job.accumulators
    return (
        f"{counts.get('entity-events', 0):,} events, {counts.get('entity-deltas', 0):,} counted for entities, "
        f"{counts.get('entity-bad-records', 0):,} bad records skipped"
    )


if __name__ == "__main__":
    sys.exit(main())
