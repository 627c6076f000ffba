"""`fraud decisions`: shows decisions of the job."""

from __future__ import annotations

import click

from cli.decisions_show import show


@click.group(name="decisions")
def command() -> None:
    """Show decisions, with named or packed features."""


command.add_command(show)
