"""`fraud control`: change a running job's rules, thresholds, block list or model bundle, and see what is in force."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError

if TYPE_CHECKING:
    from jobs.config import JobConfig
    from jobs.control_channel import ControlChannel
    from udfs.control import ControlElement

CONFIG = click.option(
    "--config", "config_file", required=True, type=click.Path(path_type=Path), help="The running job's configuration."
)


@click.group(name="control")
def command() -> None:
    """Change a running job's rules, thresholds, block list or bundle, and see what was published. docs/control.md."""


@command.command(
    name="publish", epilog="Example: fraud control publish --config job.yaml --block user:U1 --reason FRAUD"
)
@CONFIG
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--rules", type=click.Path(path_type=Path), help="A rule file (YAML or JSON), as a whole.")
@click.option("--thresholds", metavar="REFER,CHALLENGE,BLOCK", help="Scores above which each action is taken.")
@click.option("--block", "blocked", multiple=True, metavar="TYPE:VALUE", help="user, card, device, merchant or ip.")
@click.option("--unblock", "unblocked", multiple=True, metavar="TYPE:VALUE", help="Take off the block list.")
@click.option("--reason", help="With --block: reason code; one with SANCTION raises the AML flag.")
@click.option("--source", help="With --block: the system that it comes from.")
@click.option("--expires", help="With --block: epoch milliseconds or ISO 8601 with offset, in event time.")
@click.option("--bundle", type=click.Path(path_type=Path), help="Folder of a bundle that every TaskManager sees.")
@click.option("--version", type=click.IntRange(min=1), help="In place of the next version.")
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
) -> None:
    """Check what is to change and send it to the control stream of a job.

    All of it is checked before anything is sent: rules are compiled, a bundle is loaded and must fit this program's
    features. Versions are counted on from what is published and what the job starts with. FILE holds control elements
    as JSON, one a line, that carry their versions.
    """
    from time import time

    from cli.control_elements import Request, elements_of
    from jobs.control_channel import ChannelError
    from udfs.control import ControlError

    request = Request(file, rules, thresholds, blocked, unblocked, reason, source, expires, bundle, version)
    config, channel = _open(config_file)
    try:
        elements = elements_of(request, config, channel.read(), int(time() * 1_000))
        for element in elements:
            place = channel.publish(element)
            click.echo(f"published {_in_words(element)} to {place}")
    except (ControlError, ChannelError) as error:
        raise UserError(str(error)) from None


@command.command(name="show", epilog="Example: fraud control show --config job.yaml")
@CONFIG
def show(config_file: Path) -> None:
    """Show the newest of everything that was published, and what is not valid.

    What the job started with stays in force where its version is as high; a decision names the versions it used.
    """
    from jobs.control_channel import ChannelError, newest

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
        click.echo(f"{_in_words(element)}{older}")
    for record in published:
        if record.fault is not None:
            click.echo(f"not valid, {record.place}: {record.fault}")


def _open(config_file: Path) -> tuple[JobConfig, ControlChannel]:
    from jobs.config_errors import ConfigError
    from jobs.config_file import load_config
    from jobs.control_channel import ChannelError, open_channel

    try:
        config = load_config(config_file)
        return config, open_channel(config.control)
    except (ConfigError, ChannelError) as error:
        raise UserError(str(error)) from None


def _start_versions(config: JobConfig) -> dict[str, int]:
    from cli.control_elements import start_versions

    return start_versions(config)


def _in_words(element: ControlElement) -> str:
    from udfs.control import BlockListControl, BundleControl, RulesControl, ThresholdsControl

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
        what += f", until {_moment(element.expires_at)}" if element.expires_at is not None else ""
    return f"{element.key} version {element.version}: {what}"


def _moment(time_ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(time_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
