"""`fraud config`: check a job's config file, or explain its keys."""

from __future__ import annotations

from pathlib import Path

import click

from cli.errors import UserError


@click.group(name="config")
def command() -> None:
    """Check a job's config file, or explain its keys. docs/configuration.md has the same words."""


@command.command(name="check")
@click.argument("file", type=click.Path(path_type=Path))
def check(file: Path) -> None:
    """Check FILE with the environment's FRAUD__SECTION__KEY variables laid over it: exit code 0 if a job would start."""
    from jobs.config_errors import ConfigError
    from jobs.config_file import load_config

    try:
        config = load_config(file)
    except ConfigError as error:
        raise UserError(str(error)) from None
    sinks = ", ".join(sink.kind for sink in config.sinks)
    click.echo(f"{file}: valid; {config.source.kind} -> {sinks}, parallelism {config.flink.parallelism}")


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
