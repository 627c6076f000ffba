"""The scoring job: `python -m jobs.score_transactions --config FILE` here, or by `flink run -py` on a cluster."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__" and not __package__:  # `flink run -py` runs this file by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from jobs.aws_check import check_aws
from jobs.command import run_command, start_unless_cancelled
from jobs.config import JobConfig, PrintSink
from jobs.config_file import load_config
from jobs.kafka_check import check_kafka
from jobs.kafka_settings import KafkaControl
from jobs.launching import flink_environment, goes_on, launch
from jobs.running import Counts, JobResult, RunningJob
from jobs.scoring_settings import (
    dead_letter_limit,
    letter_form,
    metric_settings,
    remote_files,
    scorer_config,
    scorer_paths,
)

if TYPE_CHECKING:
    from pyflink.datastream import StreamExecutionEnvironment

CONTROL = "control"
SCORE_UID = "score-transactions"


def build(config: JobConfig) -> StreamExecutionEnvironment:
    """The pipeline, not yet started: source and control -> scorer -> sinks, each operator with a pinned uid."""
    from pyflink.table import StreamTableEnvironment

    from jobs.batched_operator import process_in_batches
    from jobs.control import open_control
    from jobs.operator_ids import pin_one
    from jobs.sinks import add_sinks
    from jobs.sources import open_source
    from udfs.score_transactions import CONSOLE, OUTPUT_TYPE, ScoreTransactions, ScoringSettings

    environment = flink_environment(config)
    table_environment = StreamTableEnvironment.create(environment)
    has_ceiling = config.scoring.latest_timestamp is not None
    records = open_source(config.source, table_environment, restored=goes_on(config), has_ceiling=has_ceiling)
    control = open_control(config.control, table_environment)
    score = ScoreTransactions(
        ScoringSettings(
            scorer=scorer_config(config),
            paths=scorer_paths(config),
            reader=records.reader,
            dead_letter_limit=dead_letter_limit(config),
            state_ttl_days=config.state.ttl_days,
            control=config.control.topic if isinstance(config.control, KafkaControl) else CONTROL,
            remote_files=remote_files(config),
            metrics=metric_settings(config),
            console=next((sink.only for sink in config.sinks if isinstance(sink, PrintSink)), None),
        )
    )
    outputs = process_in_batches(
        records.stream,
        control,
        score,
        OUTPUT_TYPE,
        CONSOLE,
        config.scoring.batch_size,
        config.scoring.batch_wait_ms,
        SCORE_UID,
    )
    pin_one(outputs._j_data_stream.getTransformation(), SCORE_UID)
    add_sinks(config.sinks, outputs, letter_form(config), metric_settings(config), table_environment)
    return environment


def start(config: JobConfig) -> RunningJob:
    """Start the job in this process (or, under `flink run`, on its cluster) and return its handle.

    Raises ConfigError where Java, a connector, a plugin, brokers, topics or buckets are missing, JobFailed where Flink
    refuses the job.
    """
    check_kafka(config)
    check_aws(config)
    return launch(config, build)


def run(
    config: JobConfig, on_progress: Callable[[Counts], None] | None = None, every_seconds: float = 0.5
) -> JobResult:
    """Run the job to the end of its input. Raises ConfigError, JobFailed, and JobCancelled on Ctrl-C."""
    return start_unless_cancelled(start, config).wait(on_progress, every_seconds)


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: done, 2: the configuration or the job failed (one line on stderr), 130: cancelled."""
    return run_command(load_config, start, _told, arguments, "score_transactions", __doc__, "see docs/configuration.md")


def _told(_: RunningJob, result: JobResult) -> str:
    counts = result.counts
    return (
        f"{counts.records:,} records in {result.seconds:.1f} s: {counts.decisions:,} decisions, "
        f"{counts.alerts:,} alerts, {counts.flags:,} flags, {counts.dead_letters:,} dead letters"
        + (f"; {counts.degraded:,} decisions lack what the store could not give" if counts.degraded else "")
    )


if __name__ == "__main__":
    sys.exit(main())
