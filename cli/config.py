"""`fraud config`: checks a job's config file and explains its keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError

if TYPE_CHECKING:
    from jobs.config.entity_job import EntityJobConfig
    from jobs.config.job import JobConfig


@click.group(name="config")
def command() -> None:
    """Check a job's config file, or explain its keys (as docs/configuration.md does)."""


@command.command(name="check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--all", "show_all", is_flag=True, help="Also explain keys with their default value.")
@click.option("--quiet", is_flag=True, help="Print only whether the file is valid.")
@click.option("--offline", is_flag=True, help="Do not try connectors, brokers, AWS, store and saved state.")
def check(file: Path, show_all: bool, quiet: bool, offline: bool) -> None:
    """Check FILE, overridden by environment variables FRAUD__SECTION__KEY, and explain each key that is set.

    Tries all that a start of the job would: loads bundle, rules and reference data, and connects to brokers and AWS.
    Exit code 0 if the job would start. A file of the entity aggregates job is recognised by its keys. For a source
    that is a file on this machine, lists the model's inputs that it lacks. Rules are checked as by `fraud rules check`.

    \b
    fraud config check deploy/conf/local.yaml
    """
    from jobs.config.entity_job import EntityJobConfig
    from jobs.config.errors import ConfigError
    from jobs.config.in_use import keys_in_use
    from jobs.config.loading import is_entity_job, load_config, load_config_of
    from jobs.runtime.start_checks import check_files, check_start

    config: JobConfig | EntityJobConfig
    scoring: JobConfig | None = None
    try:
        if is_entity_job(file):
            config = entities = load_config_of(EntityJobConfig, file)
            target, parallelism = f"{entities.store.kind} (entity aggregates)", entities.flink.parallelism
            source = entities.source.kind
        else:
            config = scoring = load_config(file)
            target, parallelism = ", ".join(sink.kind for sink in scoring.sinks), scoring.flink.parallelism
            source = scoring.source.kind
        warnings = check_files(config)
        if not offline:
            check_start(config)
    except ConfigError as error:
        raise UserError(str(error)) from None
    click.echo(f"{file}: valid; {source} -> {target}, parallelism {parallelism}")
    for warning in warnings:
        click.echo(warning)
    for key in [] if quiet else keys_in_use(config):
        if key.is_set or show_all:
            click.echo(f"{key.key}: {key.value}{'' if key.is_set else ' (default)'}\n    {key.meaning}")
    if scoring is not None and not quiet:
        statistics = scoring.scoring.statistics
        unknown = "none: rules that compare with the population are unknown (compute them by `fraud stats`)"
        click.echo(f"\npopulation statistics: {statistics or unknown}")
        for line in _coverage_of(scoring):
            click.echo(line)


def _coverage_of(config: JobConfig) -> list[str]:
    """Lines on the model's inputs that the source lacks, or on why they are not known. Raises UserError."""
    from jobs.config.errors import ConfigError
    from jobs.config.input_sample import coverage_of_file
    from jobs.config.job import FileSource
    from jobs.config.record_format import record_format
    from jobs.config.stores import MemoryStoreSection
    from jobs.config.value_types import is_remote
    from udfs.scoring.bundle import BundleError, read_manifest
    from udfs.scoring.coverage_words import coverage_lines

    source, scoring = config.source, config.scoring
    if not isinstance(source, FileSource) or is_remote(source.path):
        return [f"coverage: not known, since a source of kind {source.kind} is not read here"]
    paths = (scoring.bundle, scoring.reference)
    if any(path is not None and is_remote(path) for path in paths):
        return ["coverage: not known, since bundle or reference are not on this machine"]
    try:
        return coverage_lines(
            coverage_of_file(
                Path(source.path),
                read_manifest(scoring.bundle),
                Path(scoring.reference) if scoring.reference else None,
                histories=scoring.histories is not None,
                is_remote=not isinstance(config.store, MemoryStoreSection),
                decode=record_format(source, config.s3).decode,
            )
        )
    except (BundleError, ConfigError, OSError) as error:
        raise UserError(str(error)) from None


@command.command(name="explain")
@click.argument("key", required=False)
def explain(key: str | None) -> None:
    """Explain every key, or those that begin with KEY, e.g. `fraud config explain state`."""
    from jobs.config.help import describe

    shown = [entry for entry in describe() if key is None or entry.key.startswith(key)]
    if not shown:
        raise UserError(f"no key begins with {key!r}; `fraud config explain` lists all")
    for entry in shown:
        click.echo(f"{entry.key}\n    {entry.takes}; default {entry.default}\n    {entry.meaning}")
