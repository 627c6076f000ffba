"""`fraud lists`: shows and changes the named lists of a running job."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.control_options import CONFIG
from cli.control_sending import Sending, sending_options
from cli.errors import UserError

if TYPE_CHECKING:
    from cli.list_changes import OpenLists

TYPE = click.option("--type", "kind", help="Type of a new list, e.g. country, category or user; docs/rules.md.")
NOTE = click.option("--note", help="Why; kept in the element.")


@click.group(name="lists")
def command() -> None:
    """Show and change the lists that rules refer to as @NAME. Changes reach a running job by its control stream.

    docs/rules.md has the types of lists, docs/control.md the control stream.
    """


@command.command(name="show", epilog="Example: fraud lists show high_risk_countries --config job.yaml")
@click.argument("name", required=False)
@CONFIG
def show(name: str | None, config_file: Path) -> None:
    """Show all lists in force with the rules that refer to them, or the entries of NAME."""
    from cli.list_text import entry_lines, list_line

    lists = _open(config_file)
    if name is None:
        for known in sorted(lists.in_force.lists):
            click.echo(list_line(lists.named_list(known), lists.in_force.rule_set))
        if not lists.in_force.lists:
            click.echo("no list is defined")
        return
    named_list = lists.named_list(name)
    click.echo(list_line(named_list, lists.in_force.rule_set))
    for line in entry_lines(named_list):
        click.echo(line)


@command.command(
    name="add",
    epilog="Example: fraud lists add mules U1 U2 --type user --reason ring --source-alert a1 --config job.yaml",
)
@click.argument("name")
@click.argument("values", nargs=-1, required=True)
@CONFIG
@TYPE
@click.option("--owner", help="Who answers for the entries.  [default: the user of this machine]")
@click.option("--reason", help="Why they are on the list.")
@click.option("--expires", help="Until when: epoch milliseconds or ISO 8601 with offset, in event time.")
@click.option("--source-alert", help="Id of the alert or decision that they come from.")
@sending_options
@NOTE
def add(
    name: str, values: tuple[str, ...], config_file: Path, kind: str | None, owner: str | None, reason: str | None,
    expires: str | None, source_alert: str | None, note: str | None, sending: Sending,
) -> None:  # fmt: skip
    """Add VALUES to the list NAME, or replace their entries. A list that does not exist is created, of --type."""
    from getpass import getuser

    from udfs.rules.list_files import expiry_ms
    from udfs.rules.named_lists import ListEntry, ListError

    try:
        expires_at = None if expires is None else expiry_ms(expires)
    except ListError as error:
        raise UserError(str(error)) from None
    entries = [ListEntry(value, owner or getuser(), reason, expires_at, source_alert) for value in values]
    _open(config_file).put(name, kind, entries, sending, note)


@command.command(name="remove", epilog="Example: fraud lists remove mules U1 --config job.yaml")
@click.argument("name")
@click.argument("values", nargs=-1, required=True)
@CONFIG
@sending_options
@NOTE
def remove(name: str, values: tuple[str, ...], config_file: Path, note: str | None, sending: Sending) -> None:
    """Remove VALUES from the list NAME."""
    _open(config_file).remove(name, values, sending, note)


@command.command(name="delete", epilog="Example: fraud lists delete mules --config job.yaml")
@click.argument("name")
@CONFIG
@sending_options
@NOTE
def delete(name: str, config_file: Path, note: str | None, sending: Sending) -> None:
    """Delete the list NAME. Refused while rules in force refer to it."""
    _open(config_file).delete(name, sending, note)


@command.command(
    name="import", epilog="Example: fraud lists import ring.csv --name mules --type user --dry-run --over out/score"
)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="The list.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="The running job's configuration.")
@TYPE
@click.option("--replace", is_flag=True, help="Replace all entries of the list.  [default: add to them]")
@click.option("--dry-run", is_flag=True, help="Publish nothing: check FILE and tell what would change.")
@click.option(
    "--over",
    metavar="RUN|EVENTS|STORE",
    help="A run's folder, a file of events or a decision store's URL: tell how many payments would have hit the list.",
)
@click.option("--days", type=click.IntRange(min=1), default=30, show_default=True, help="With --over: its last days.")
@sending_options
@NOTE
def import_(
    file: Path, name: str, config_file: Path | None, kind: str | None, replace: bool, dry_run: bool, over: str | None,
    days: int, note: str | None, sending: Sending,
) -> None:  # fmt: skip
    """Add the entries of FILE to the list NAME: a CSV file with a header of value, owner, reason, expires_at, source_alert,
    of which only value is required.

    --dry-run without --config checks FILE as a new list.
    """
    from cli.list_changes import merged
    from cli.list_hits import hits_over
    from udfs.rules.list_files import ListFileError, load_entries

    if config_file is None and not dry_run:
        raise UserError("give --config, the running job's configuration, or --dry-run")
    try:
        entries = load_entries(file)
    except ListFileError as error:
        raise UserError(str(error)) from None
    if not entries:
        raise UserError(f"{file.name} has no entries")
    lists = None if config_file is None else _open(config_file)
    before = None if lists is None or name not in lists.in_force.lists else lists.named_list(name)
    after, told = merged(before, name, kind, entries, replace)
    click.echo(told)
    if over is not None:
        click.echo(hits_over(over, after, days))
    if dry_run or lists is None:
        click.echo("nothing was published (--dry-run)")
        return
    lists.send_list(after, sending, note)


def _open(config_file: Path) -> OpenLists:
    from cli.list_changes import open_lists

    return open_lists(config_file)
