"""All that a start of a job needs, tried without starting it: files, state, connectors, brokers and AWS."""

from __future__ import annotations

from msgspec.structs import replace

from jobs.aws.check import check_aws
from jobs.config.entity_job import EntityJobConfig
from jobs.config.errors import ConfigError
from jobs.config.job import JobConfig
from jobs.config.not_configured import rules_without_input
from jobs.config.record_format import record_format
from jobs.config.rules import check_rules
from jobs.config.scoring import remote_files, scorer_config, scorer_paths
from jobs.config.value_types import is_remote
from jobs.kafka.check import check_kafka
from jobs.runtime.connectors import connector_jars
from jobs.runtime.restoring import with_starting_state
from udfs.process.remote_files import RemoteFileError, local_paths
from udfs.process.system_clocks import SYSTEM_CLOCKS
from udfs.records.event_decoder import EventDecoder
from udfs.scoring.factory import OPENING_ERRORS, open_scorer
from udfs.scoring.settings import ScorerConfig, ScorerPaths
from udfs.state.user_log import MemoryUserLogs

_FILES = ("bundle", "rules", "lists", "statistics", "reference", "histories", "fx_rates")


def check_files(config: JobConfig | EntityJobConfig) -> list[str]:
    """Load what the job loads from this machine, as its operator does; returns warnings on rules.

    Raises ConfigError for a bundle, rules, reference or other file that cannot be used, with file and remedy. Blocks while
    loading; with a file in S3, and for the entity aggregates job, only the mapping is loaded.
    """
    decode = record_format(config.source, config.s3).decode
    if isinstance(config, EntityJobConfig):
        return []
    paths = scorer_paths(config)
    if any(is_remote(path) for name in _FILES if (path := getattr(paths, name)) is not None):
        return []
    warnings = check_rules(config.scoring.rules, config.scoring.bundle, config.scoring.lists) + rules_without_input(
        config
    )
    settings = replace(scorer_config(config), online_features=None)
    reference = paths.reference if paths.store is None else None  # a remote store holds the rest
    _open(config, settings, replace(paths, store=None, reference=reference), decode)
    return warnings


def check_start(config: JobConfig | EntityJobConfig) -> None:
    """Try what a start needs beyond files of this machine: saved state, connectors, brokers, AWS, store, files in S3.

    Raises ConfigError.
    """
    if isinstance(config, JobConfig):
        with_starting_state(config)
    else:
        with_starting_state(config)
    connector_jars(config)
    check_kafka(config)
    check_aws(config)
    if isinstance(config, JobConfig) and not config.flink.managed:
        _open(config, scorer_config(config), scorer_paths(config), record_format(config.source, config.s3).decode)


def _open(config: JobConfig, settings: ScorerConfig, paths: ScorerPaths, decode: EventDecoder) -> None:
    try:
        local = local_paths(paths, remote_files(config))
        open_scorer(settings, local, MemoryUserLogs(), SYSTEM_CLOCKS, decode).close()
    except (*OPENING_ERRORS, RemoteFileError) as error:
        raise ConfigError(f"scoring: {error}") from None
