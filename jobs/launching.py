"""How every job of ours is put to Flink: its environment by the configuration, and its start."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from jobs.config import JobConfig
from jobs.entity_config import EntityJobConfig
from jobs.environment import flink_settings, is_detached, on_cluster, start_java
from jobs.failures import is_java_error, job_failed
from jobs.local_ports import close_rest_server
from jobs.running import RunningJob
from jobs.s3_files import use_s3_here, with_newest_checkpoint

if TYPE_CHECKING:
    from pyflink.datastream import StreamExecutionEnvironment

C = TypeVar("C", JobConfig, EntityJobConfig)


def flink_environment(config: JobConfig | EntityJobConfig) -> StreamExecutionEnvironment:
    """An environment with the configuration's options. Raises ConfigError for a missing connector."""
    from pyflink.common import Configuration
    from pyflink.datastream import StreamExecutionEnvironment

    settings = Configuration()
    for option, value in flink_settings(config).items():
        settings.set_string(option, value)
    environment = StreamExecutionEnvironment.get_execution_environment(settings)
    if not config.flink.managed:
        environment.set_parallelism(config.flink.parallelism)
    return environment


def goes_on(config: JobConfig | EntityJobConfig) -> bool:
    """Does the job go on from a state that holds its source's place? One of another source may be restored, too, with
    what does not fit left out: then the source's `start` counts."""
    return config.state.restore_from is not None and not config.state.allow_non_restored


def launch(config: C, build: Callable[[C], StreamExecutionEnvironment]) -> RunningJob:
    """Build the job's pipeline and start it in this process or, under `flink run`, on its cluster.

    Raises ConfigError where Java, a plugin or a checkpoint are missing, JobFailed where Flink refuses the job.
    """
    config = with_newest_checkpoint(config)
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
