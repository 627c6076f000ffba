"""`fraud config`: check a job's config file, or explain its keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError

if TYPE_CHECKING:
    from jobs.config import JobConfig


@click.group(name="config")
def command() -> None:
    """Check a job's config file, or explain its keys. docs/configuration.md has the same words."""


@command.command(name="check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--all", "show_all", is_flag=True, help="Explain the keys that are left at their default, too.")
@click.option("--quiet", is_flag=True, help="Say only whether it is valid.")
def check(file: Path, show_all: bool, quiet: bool) -> None:
    """Check FILE with the environment's FRAUD__SECTION__KEY variables laid over it, and explain each key that it sets.

    Exit code 0 if a job would start. A file of the entity aggregates job is known by its keys. Last it says what the
    bundle will miss of the input, as far as that can be looked at from here.

    \b
    fraud config check deploy/conf/local.yaml
    """
    from jobs.config_errors import ConfigError
    from jobs.config_file import is_entity_job, load_config, load_config_of
    from jobs.config_in_use import keys_in_use
    from jobs.entity_config import EntityJobConfig
    from jobs.section import Section

    config: Section
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
    except ConfigError as error:
        raise UserError(str(error)) from None
    click.echo(f"{file}: valid; {source} -> {target}, parallelism {parallelism}")
    for key in [] if quiet else keys_in_use(config):
        if key.is_set or show_all:
            click.echo(f"{key.key}: {key.value}{'' if key.is_set else ' (default)'}\n    {key.meaning}")
    if scoring is not None and not quiet:
        statistics = scoring.scoring.statistics
        unknown = "none: what rules compare with the population stays unknown (make them by `fraud stats`)"
        click.echo(f"\npopulation statistics: {statistics or unknown}")
        for line in _coverage_of(scoring):
            click.echo(line)


def _coverage_of(config: JobConfig) -> list[str]:
    """What the bundle will miss of the source's file; or why that cannot be told."""
    from jobs.config import FileSource
    from jobs.config_types import is_remote
    from jobs.input_sample import coverage_of_file
    from jobs.store_settings import MemoryStoreSection
    from udfs.bundle import BundleError, read_manifest
    from udfs.coverage_words import coverage_lines

    source, scoring = config.source, config.scoring
    if not isinstance(source, FileSource) or is_remote(source.path):
        return [f"coverage: a source of kind {source.kind} is not read here, so what the bundle will miss is not known"]
    paths = (scoring.bundle, scoring.reference)
    if any(path is not None and is_remote(path) for path in paths):
        return ["coverage: bundle or reference are not on this machine, so what the bundle will miss is not known"]
    try:
        return coverage_lines(
            coverage_of_file(
                Path(source.path),
                read_manifest(scoring.bundle),
                Path(scoring.reference) if scoring.reference else None,
                histories=scoring.histories is not None,
                is_remote=not isinstance(config.store, MemoryStoreSection),
            )
        )
    except (BundleError, OSError) as error:
        raise UserError(str(error)) from None


@command.command(name="explain")
@click.argument("key", required=False)
def explain(key: str | None) -> None:
    """Explain every key, or those that begin with KEY, e.g. `fraud config explain state`."""
    from jobs.config_help import describe

    shown = [entry for entry in describe() if key is None or entry.key.startswith(key)]
    if not shown:
        raise UserError(f"no key begins with {key!r}; `fraud config explain` lists all")
    for entry in shown:
        click.echo(f"{entry.key}\n    {entry.takes}; default {entry.default}\n    {entry.meaning}")
