"""`fraud control`: publishes control elements of a running job, and shows those published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.control_approval import approve, propose
from cli.control_history import history, verify
from cli.control_keys import keygen
from cli.control_options import (
    CONFIG,
    confirm,
    description,
    element_options,
    now_ms,
    open_channel_of,
    signing_option,
)
from cli.control_store import proposal_number, proposals, publish_from_store, store_option
from cli.errors import UserError

if TYPE_CHECKING:
    from jobs.config.running_job import RunningJobConfig


@click.group(name="control")
def command() -> None:
    """Change a running job's rules, thresholds, block list or bundle; sign, approve, and tell what was in force when.

    docs/control.md has the whole.
    """


@command.command(
    name="publish", epilog="Example: fraud control publish --config job.yaml --block user:U1 --reason FRAUD"
)
@CONFIG
@element_options
@signing_option
@click.option("--proposal", metavar="FILE|NUMBER",
              help="Publish what `fraud control propose` wrote: a file, or with --store a proposal's number.")  # fmt: skip
@store_option
@click.option("--yes", is_flag=True, help="Do not ask before rules, thresholds or the bundle are replaced.")
def publish(
    config_file: Path, sign_with: str | None, proposal: str | None, store_url: str | None, yes: bool, **options: Any
) -> None:
    """Check control elements and send them to the control stream of a job.

    All are checked before the first one is sent: rules are compiled, a bundle is loaded and must match this program's
    feature set. Versions continue from the published ones and those that the job starts with. FILE has control elements
    as JSON, one a line, with their versions. Before rules, thresholds or the bundle are replaced, shows what changes and
    asks. Where the job's configuration asks for signatures or approvals (docs/control.md), what lacks them is refused here,
    too; --emergency publishes without an approval, for a day.
    """
    from cli.control_changes import changes
    from cli.control_proposals import proposals_of, proposed_elements, read_proposals, require_admitted
    from cli.control_sending import publish_one
    from jobs.control.channel import ChannelError
    from jobs.control.publishing import element_of
    from udfs.control.elements import ControlError

    if proposal is not None and (any(options.values()) or sign_with):
        raise UserError("--proposal has elements, author and signature: give no other option but --store and --yes")
    if store_url is not None:
        if proposal is None:
            raise UserError("--store needs --proposal, the number of a proposal; `fraud control proposals` lists all")
        return publish_from_store(config_file, store_url, proposal_number(proposal), yes)
    config, channel = open_channel_of(config_file)
    try:
        published = channel.read()
        if proposal is None:
            asked = proposals_of(options, sign_with, config, published)
        else:
            asked = read_proposals(Path(proposal))
            proposed_elements(asked, config, published)
        for one in asked:
            require_admitted(one, config)
        elements = [element_of(one) for one in asked]
        confirm(changes(elements, config, published, now_ms()), yes)
        for one in asked:
            publish_one(one, channel)
    except (ControlError, ChannelError) as error:
        raise UserError(str(error)) from None


@command.command(name="show", epilog="Example: fraud control show --config job.yaml")
@CONFIG
def show(config_file: Path) -> None:
    """Show the newest published element of each key, and invalid elements.

    An element is ignored if the job starts with a version as high, and an emergency that nobody approved is over after its
    hours; decisions name the versions in force.
    """
    from jobs.control.channel import ChannelError, newest
    from jobs.control.in_force import elements_in_force
    from udfs.control.elements import GUARDRAIL, RULES

    config, channel = open_channel_of(config_file)
    try:
        published = channel.read()
    except ChannelError as error:
        raise UserError(str(error)) from None
    found = newest(published)
    starts = _start_versions(config)
    in_force = {key: element.version for key, element in elements_in_force(config, published, now_ms()).items()}
    rules_version = in_force.get(RULES, starts[RULES])
    for key, start in starts.items():
        if key not in found:
            click.echo(f"{key}: nothing published; the job starts with version {start}")
    for key in sorted(found):
        element = found[key].element
        assert element is not None
        older = ""
        if element.version <= starts.get(key, 0):
            older = " (ignored: the job starts with a version as high)"
        elif in_force.get(key) != element.version:
            before = in_force.get(key, starts.get(key))
            older = " (over: an emergency that was not approved"
            older += ")" if before is None else f"; version {before} is in force)"
        if key.startswith(f"{GUARDRAIL}/") and element.version != rules_version:
            older = f" (over: rule set version {rules_version} is in force)"
        click.echo(f"{description(element)}{older}")
    for record in published:
        if record.fault is not None:
            click.echo(f"not valid, {record.location}: {record.fault}")


def _start_versions(config: RunningJobConfig) -> dict[str, int]:
    from cli.control_elements import start_versions

    return start_versions(config)


command.add_command(keygen)
command.add_command(propose)
command.add_command(proposals)
command.add_command(approve)
command.add_command(history)
command.add_command(verify)
