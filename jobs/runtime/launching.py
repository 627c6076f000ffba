"""Creates the Flink environment of a configuration and submits a job."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from jobs.aws.s3_files import use_s3_here
from jobs.config.entity_job import EntityJobConfig
from jobs.config.job import JobConfig
from jobs.flink_internals.client import on_cluster
from jobs.flink_internals.process import (
    close_rest_server,
    is_detached,
    is_java_error,
    state_given_to_flink,
)
from jobs.runtime.environment import flink_settings, start_java
from jobs.runtime.failures import job_failed
from jobs.runtime.restoring import with_starting_state
from jobs.runtime.running import RunningJob

if TYPE_CHECKING:
    from pyflink.datastream import StreamExecutionEnvironment

C = TypeVar("C", JobConfig, EntityJobConfig)


def flink_environment(config: JobConfig | EntityJobConfig) -> StreamExecutionEnvironment:
    """An execution environment with the configuration's options. Raises ConfigError for a missing connector."""
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment

    settings = Configuration()
    for option, value in flink_settings(config).items():
        settings.set_string(option, value)
    environment = StreamExecutionEnvironment.get_execution_environment(settings)
    if not config.flink.managed:
        environment.set_parallelism(config.flink.parallelism)
    return environment


def restores_source(config: JobConfig | EntityJobConfig) -> bool:
    """Whether the job restores state that holds its source's position. With `allow_non_restored` the state may be that of
    another source; then the source's `start` applies."""
    return config.state.restore_from is not None and not config.state.allow_non_restored


def launch(config: C, build: Callable[[C], StreamExecutionEnvironment]) -> RunningJob:
    """Build the job's pipeline and submit it, in this process or, under `flink run`, to the cluster.

    Raises ConfigError if Java, a plugin or a checkpoint is missing, or if checkpoints of an earlier run would be ignored,
    JobFailed if Flink rejects the job.
    """
    config = with_starting_state(config, state_given_to_flink() if on_cluster() else None)
    log_file = start_java(config.flink.log_directory)
    shown = None if on_cluster() else log_file
    if not on_cluster():
        use_s3_here(config)
    try:
        environment = build(config)
        client = environment.execute_async(config.name)
        if not on_cluster():
            close_rest_server(client)
    except Exception as error:
        if not is_java_error(error):
            raise
        raise job_failed(error, config, shown) from error
    return RunningJob(client, config, shown, on_cluster() and is_detached(environment))
