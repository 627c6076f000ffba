"""`fraud rules promote`: moves one rule of a running job to another state, or to another share of the customers."""

from __future__ import annotations

from pathlib import Path

import click

from cli.control_options import now_ms, open_channel_of
from cli.control_sending import Sending, sending_options
from cli.errors import UserError


@click.command(
    name="promote", epilog="Example: fraud rules promote new_device_far_away --config job.yaml --to live --rollout 10"
)
@click.argument("rule_id", metavar="RULE")
@click.option(
    "--config", "config_file", required=True, type=click.Path(path_type=Path), help="The running job's configuration."
)
@click.option(
    "--to", "state", required=True, type=click.Choice(["draft", "shadow", "live", "retired"]), help="Its state."
)
@click.option(
    "--rollout",
    type=click.IntRange(0, 100),
    help="With --to live: for how many percent of the customers.  [default: 100]",
)
@sending_options
@click.option("--note", help="Why; kept in the element.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def promote(
    rule_id: str,
    config_file: Path,
    state: str,
    rollout: int | None,
    note: str | None,
    yes: bool,
    sending: Sending,
) -> None:
    """Publish the rules in force with RULE in another state, or propose them: the next version of the rule set.

    What a guardrail has put back to shadow stays there, unless it is RULE. Shows what changes and asks.
    """
    import msgspec

    from cli.control_changes import changes, rules_in_force
    from cli.control_elements import checked_elements
    from cli.control_options import confirm
    from cli.control_sending import send
    from jobs.control.channel import ChannelError
    from jobs.control.in_force import elements_in_force, newest_version
    from udfs.control.elements import RULES, ControlError, RulesControl
    from udfs.control.guardrails import with_guardrails
    from udfs.rules.pack_files import RuleFileError

    if rollout is not None and state != "live":
        raise UserError("--rollout belongs to --to live")
    config, channel = open_channel_of(config_file)
    try:
        published = channel.read()
        current, tripped = rules_in_force(elements_in_force(config, published, now_ms()), config)
        in_force = with_guardrails(current, tripped)
        before = {rule.id: rule for rule in in_force.rules}.get(rule_id)
        if before is None:
            raise UserError(f"rule set {current.name} version {current.version} has no rule {rule_id!r}")
        after = msgspec.structs.replace(before, state=state, rollout=100 if rollout is None else rollout, enabled=True)
        if after == before:
            raise UserError(f"{rule_id} is {before.standing} already")
        rules = tuple(after if rule.id == rule_id else rule for rule in in_force.rules)
        version = 1 + newest_version(config, published, RULES)
        rule_set = msgspec.structs.replace(in_force, version=version, rules=rules)
        made = RulesControl(rule_set, sending.person(config), note)
        (element,) = checked_elements([made], config, published, now_ms())
        lines = [f"{rule_id}: {before.standing} -> {after.standing}", *changes([element], config, published, now_ms())]
        confirm(lines, yes or sending.is_proposal)
        send(element, sending, config_file, config, channel)
    except (ControlError, ChannelError, RuleFileError) as error:
        raise UserError(str(error)) from None
