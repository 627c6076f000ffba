"""`fraud control`: publishes control elements of a running job, and shows those published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError

if TYPE_CHECKING:
    from jobs.config.running_job import RunningJobConfig
    from jobs.control.channel import ControlChannel
    from udfs.control.elements import ControlElement

CONFIG = click.option(
    "--config", "config_file", required=True, type=click.Path(path_type=Path), help="The running job's configuration."
)


@click.group(name="control")
def command() -> None:
    """Change a running job's rules, thresholds, block list or bundle, and show what was published. docs/control.md."""


@command.command(
    name="publish", epilog="Example: fraud control publish --config job.yaml --block user:U1 --reason FRAUD"
)
@CONFIG
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--rules", type=click.Path(path_type=Path), help="A rule file (YAML or JSON); replaces the whole rule set."
)
@click.option("--thresholds", metavar="REFER,CHALLENGE,BLOCK", help="Scores above which each action is taken.")
@click.option("--block", "blocked", multiple=True, metavar="TYPE:VALUE", help="user, card, device, merchant or ip.")
@click.option("--unblock", "unblocked", multiple=True, metavar="TYPE:VALUE", help="Remove from the block list.")
@click.option("--reason", help="With --block: reason code; one with SANCTION raises the AML flag.")
@click.option("--source", help="With --block: the source system of the entry.")
@click.option("--expires", help="With --block: epoch milliseconds or ISO 8601 with offset, in event time.")
@click.option("--bundle", type=click.Path(path_type=Path), help="Folder of a bundle that every TaskManager can read.")
@click.option("--version", type=click.IntRange(min=1), help="Version.  [default: the next one]")
@click.option("--author", help="Who publishes; kept in the elements.  [default: the user of this machine]")
@click.option("--note", help="Why; kept in the elements.")
@click.option("--yes", is_flag=True, help="Do not ask before rules, thresholds or the bundle are replaced.")
def publish(
    config_file: Path,
    file: Path | None,
    rules: Path | None,
    thresholds: str | None,
    blocked: tuple[str, ...],
    unblocked: tuple[str, ...],
    reason: str | None,
    source: str | None,
    expires: str | None,
    bundle: Path | None,
    version: int | None,
    author: str | None,
    note: str | None,
    yes: bool,
) -> None:
    """Check control elements and send them to the control stream of a job.

    All are checked before the first one is sent: rules are compiled, a bundle is loaded and must match this program's
    feature set. Versions continue from the published ones and those that the job starts with. FILE has control elements
    as JSON, one a line, with their versions. Before rules, thresholds or the bundle are replaced, shows what changes and
    asks.
    """
    from getpass import getuser
    from time import time

    from cli.control_changes import changes
    from cli.control_elements import Request, elements_of
    from jobs.control.channel import ChannelError
    from udfs.control.elements import ControlError

    request = Request(
        file, rules, thresholds, blocked, unblocked, reason, source, expires, bundle, version, author or getuser(), note
    )
    config, channel = _open(config_file)
    try:
        published = channel.read()
        elements = elements_of(request, config, published, int(time() * 1_000))
        _confirm(changes(elements, config, published), yes)
        for element in elements:
            location = channel.publish(element)
            click.echo(f"published {_description(element)} to {location}")
    except (ControlError, ChannelError) as error:
        raise UserError(str(error)) from None


@command.command(name="show", epilog="Example: fraud control show --config job.yaml")
@CONFIG
def show(config_file: Path) -> None:
    """Show the newest published element of each key, and invalid elements.

    An element is ignored if the job starts with a version as high; decisions name the versions in force.
    """
    from jobs.control.channel import ChannelError, newest

    config, channel = _open(config_file)
    try:
        published = channel.read()
    except ChannelError as error:
        raise UserError(str(error)) from None
    found = newest(published)
    starts = _start_versions(config)
    for key, start in starts.items():
        if key not in found:
            click.echo(f"{key}: nothing published; the job starts with version {start}")
    for key in sorted(found):
        element = found[key].element
        assert element is not None
        older = " (ignored: the job starts with a version as high)" if element.version <= starts.get(key, 0) else ""
        click.echo(f"{_description(element)}{older}")
    for record in published:
        if record.fault is not None:
            click.echo(f"not valid, {record.location}: {record.fault}")


def _confirm(lines: list[str], yes: bool) -> None:
    """Show what changes and ask. Raises UserError without an answer, or if it is no."""
    for line in lines:
        click.echo(line)
    if not lines or yes:
        return
    try:
        agreed = click.confirm("publish this?")
    except click.Abort:
        raise UserError("nothing was published: give --yes to publish without being asked") from None
    if not agreed:
        raise UserError("nothing was published")


def _open(config_file: Path) -> tuple[RunningJobConfig, ControlChannel]:
    from jobs.config.errors import ConfigError
    from jobs.config.running_job import load_running_job
    from jobs.control.channel import ChannelError
    from jobs.control.opening import open_channel

    try:
        config = load_running_job(config_file)
        return config, open_channel(config.control)
    except (ConfigError, ChannelError) as error:
        raise UserError(str(error)) from None


def _start_versions(config: RunningJobConfig) -> dict[str, int]:
    from cli.control_elements import start_versions

    return start_versions(config)


def _description(element: ControlElement) -> str:
    from udfs.control.elements import BlockListControl, BundleControl, RulesControl, ThresholdsControl

    if isinstance(element, RulesControl):
        enabled = sum(rule.enabled for rule in element.rule_set.rules)
        what = f"{element.rule_set.name}, {enabled} of {len(element.rule_set.rules)} rules enabled"
    elif isinstance(element, ThresholdsControl):
        what = (
            f"refer to analyst above {element.refer_to_analyst}, soft challenge above {element.soft_challenge}, "
            f"hard block above {element.hard_block}"
        )
    elif isinstance(element, BundleControl):
        what = f"{element.bundle} in {element.path}"
    else:
        assert isinstance(element, BlockListControl)
        what = "blocked" if element.blocked else "not blocked"
        what += f", {element.reason_code}" if element.reason_code else ""
        what += f", until {_utc_text(element.expires_at)}" if element.expires_at is not None else ""
    by = f", by {element.author}" if element.author else ""
    why = f" ({element.note})" if element.note else ""
    return f"{element.key} version {element.version}: {what}{by}{why}"


def _utc_text(time_ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(time_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
