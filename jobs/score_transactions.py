"""The scoring job. Run it with `python -m jobs.score_transactions --config FILE`, or `flink run -py` on a cluster."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if __name__ == "__main__" and not __package__:  # `flink run -py` runs this file by its path
    here = Path(__file__).resolve().parent
    # With this folder on the path, jobs/kafka would stand for the package kafka.
    sys.path[:] = [str(here.parent), *(entry for entry in sys.path if Path(entry).resolve() != here)]

from jobs.aws.check import check_aws
from jobs.config.control import authority_settings
from jobs.config.job import FileSource, JobConfig, NoControl, PrintSink
from jobs.config.kafka import KafkaControl, KafkaReplies
from jobs.config.loading import load_config
from jobs.config.not_configured import rules_without_input
from jobs.config.record_format import record_format
from jobs.config.rules import check_rules
from jobs.config.scoring import (
    dead_letter_format,
    dead_letter_limit,
    metric_settings,
    remote_files,
    scorer_config,
    scorer_paths,
)
from jobs.kafka.check import check_kafka
from jobs.runtime.command import run_command, start_unless_cancelled
from jobs.runtime.launching import flink_environment, launch, restores_source
from jobs.runtime.running import Counts, JobResult, RunningJob

if TYPE_CHECKING:
    from pyflink.datastream import StreamExecutionEnvironment

CONTROL = "control"
SCORE_UID = "score-transactions"


def build(config: JobConfig) -> StreamExecutionEnvironment:
    """Build the pipeline without starting it: source and control -> scorer -> sinks. All operators have pinned uids."""
    from pyflink.table import StreamTableEnvironment

    from jobs.control.guardrails import add_guardrails
    from jobs.control.stream import open_control
    from jobs.flink_internals.graph import node_of
    from jobs.kafka.replies import write_replies
    from jobs.pipeline.batched_operator import process_in_batches
    from jobs.pipeline.event_source import SourceContext
    from jobs.pipeline.sinks import OUTPUTS, add_sinks
    from jobs.pipeline.sources import open_source
    from udfs.flink.frame import REPLIES
    from udfs.flink.score_transactions import (
        CONSOLE,
        GUARDED,
        OUTPUT_TYPE,
        ControlRestoreFailed,
        ScoreTransactions,
        ScoringSettings,
    )
    from udfs.records.dead_letter_limit import DeadLetterLimitExceeded

    environment = flink_environment(config)
    table_environment = StreamTableEnvironment.create(environment)
    has_ceiling = config.scoring.latest_timestamp is not None
    key_path, decode = record_format(config.source, config.s3)
    with_replies = isinstance(config.replies, KafkaReplies)
    context = SourceContext(table_environment, key_path, restores_source(config), has_ceiling, with_replies)
    records = open_source(config.source, context)
    control = open_control(config.control, table_environment)
    score = ScoreTransactions(
        ScoringSettings(
            scorer=scorer_config(config),
            paths=scorer_paths(config),
            reader=records.reader,
            dead_letter_limit=dead_letter_limit(config),
            state_ttl_days=config.state.ttl_days,
            control=config.control.topic if isinstance(config.control, KafkaControl) else CONTROL,
            authority=authority_settings(config.control),
            remote_files=remote_files(config),
            metrics=metric_settings(config),
            console=next((sink.only for sink in config.sinks if isinstance(sink, PrintSink)), None),
            decode=decode,
            with_guardrails=not isinstance(config.control, NoControl),
        )
    )
    outputs = process_in_batches(
        records.stream,
        control,
        score,
        OUTPUT_TYPE,
        CONSOLE,
        config.scoring.batch_size,
        SCORE_UID,
        lasting=(DeadLetterLimitExceeded, ControlRestoreFailed),
    )
    node_of(outputs).identify(SCORE_UID)
    letters = dead_letter_format(config)
    internal = (*((REPLIES,) if with_replies else ()), *(() if isinstance(config.control, NoControl) else (GUARDED,)))
    add_sinks(config.sinks, outputs, letters, metric_settings(config), table_environment, internal)
    if not isinstance(config.control, NoControl):
        add_guardrails(config.control, OUTPUTS, metric_settings(config), table_environment)
    if isinstance(config.replies, KafkaReplies):
        write_replies(config.replies, OUTPUTS, table_environment)
    return environment


def start(config: JobConfig) -> RunningJob:
    """Start the job in this process (under `flink run`: on the cluster) and return its handle.

    Raises ConfigError if rules are invalid, or if Java, a connector, a plugin, brokers, topics or buckets are missing,
    JobFailed if Flink rejects the job.
    """
    check_rules(config.scoring.rules, config.scoring.bundle, config.scoring.lists)
    check_kafka(config)
    check_aws(config)
    return launch(config, build)


def run(
    config: JobConfig, on_progress: Callable[[Counts], None] | None = None, every_seconds: float = 0.5
) -> JobResult:
    """Run the job to the end of its input. Raises ConfigError, JobFailed, and JobCancelled on Ctrl-C."""
    return start_unless_cancelled(start, config).wait(on_progress, every_seconds)


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: finished, 2: invalid configuration or failed job (one line on stderr), 130: cancelled."""
    return run_command(_load, start, _summary, arguments, "score_transactions", __doc__, "see docs/configuration.md")


def tell_rules_without_input(config: JobConfig) -> None:
    """For a stream, tell on stderr which rules lack their input."""
    if not isinstance(config.source, FileSource):
        for line in rules_without_input(config):
            print(line, file=sys.stderr)


def _load(file: str) -> JobConfig:
    """Load the configuration and tell what its rules lack. Raises ConfigError."""
    config = load_config(file)
    tell_rules_without_input(config)
    return config


def _summary(_: RunningJob, result: JobResult) -> str:
    counts = result.counts
    return (
        f"{counts.records:,} records in {result.seconds:.1f} s: {counts.decisions:,} decisions, "
        f"{counts.alerts:,} alerts, {counts.flags:,} flags, {counts.dead_letters:,} dead letters"
        + (f"; {counts.degraded:,} decisions degraded: the store was unavailable" if counts.degraded else "")
    )


if __name__ == "__main__":
    sys.exit(main())
