"""`fraud rules promote`: moves one rule of a running job to another state, or to another share of the customers."""

from __future__ import annotations

from pathlib import Path

import click

from cli.control_options import description, now_ms, open_channel_of, person_of, signing_key, signing_option
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
@click.option(
    "--author", help="Who publishes; kept in the element.  [default: whose key signs, or the user of this machine]"
)
@signing_option
@click.option("--note", help="Why; kept in the element.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def promote(
    rule_id: str,
    config_file: Path,
    state: str,
    rollout: int | None,
    author: str | None,
    sign_with: str | None,
    note: str | None,
    yes: bool,
) -> None:
    """Publish the rules in force with RULE in another state: the next version of the rule set.

    What a guardrail has put back to shadow stays there, unless it is RULE. Shows what changes and asks.
    """
    import msgspec

    from cli.control_changes import changes, rules_in_force
    from cli.control_elements import checked_elements
    from cli.control_options import confirm
    from cli.control_proposals import require_admitted
    from jobs.control.channel import ChannelError, newest
    from jobs.control.publishing import proposal_of, publication_of
    from udfs.control.elements import ControlError, RulesControl, encode_control
    from udfs.control.guardrails import with_guardrails
    from udfs.rules.pack_files import RuleFileError

    if rollout is not None and state != "live":
        raise UserError("--rollout belongs to --to live")
    config, channel = open_channel_of(config_file)
    key = signing_key(sign_with)
    person = person_of(author, key, config)
    try:
        published = channel.read()
        elements = {key: record.element for key, record in newest(published).items() if record.element is not None}
        current, tripped = rules_in_force(elements, config)
        in_force = with_guardrails(current, tripped)
        before = {rule.id: rule for rule in in_force.rules}.get(rule_id)
        if before is None:
            raise UserError(f"rule set {current.name} version {current.version} has no rule {rule_id!r}")
        after = msgspec.structs.replace(before, state=state, rollout=100 if rollout is None else rollout, enabled=True)
        if after == before:
            raise UserError(f"{rule_id} is {before.standing} already")
        rules = tuple(after if rule.id == rule_id else rule for rule in in_force.rules)
        rule_set = msgspec.structs.replace(in_force, version=current.version + 1, rules=rules)
        (element,) = checked_elements([RulesControl(rule_set, person, note)], config, published)
        confirm([f"{rule_id}: {before.standing} -> {after.standing}", *changes([element], config, published)], yes)
        proposal = proposal_of(encode_control(element), person, now_ms(), private_key=key)
        require_admitted(proposal, config)
        location = channel.append(publication_of(proposal, now_ms()))
    except (ControlError, ChannelError, RuleFileError) as error:
        raise UserError(str(error)) from None
    click.echo(f"published {description(element)} to {location}")
