"""`fraud rules`: checks, shows and calibrates rule sets, and helps editors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from cli.rules_backtest import backtest
from cli.rules_calibrate import calibrate
from cli.rules_check import check
from cli.rules_editor import completions, schema
from cli.rules_effectiveness import effectiveness
from cli.rules_promote import promote

if TYPE_CHECKING:
    from udfs.rules.rule_set import Rule, RuleSet


@click.group(name="rules")
def command() -> None:
    """Check, show, backtest, calibrate or promote rules. The rule language: docs/rules.md."""


command.add_command(backtest)
command.add_command(calibrate)
command.add_command(check)
command.add_command(completions)
command.add_command(effectiveness)
command.add_command(promote)
command.add_command(schema)


@command.command(name="show")
@click.option("--pack", "packs", multiple=True, default=("bank",), show_default=True,
              help="A shipped pack by name, or the path of a rule file; repeat it to see several as one.")  # fmt: skip
def show(packs: tuple[str, ...]) -> None:
    """Show a rule set: points, conditions and reasons, in order of evaluation.

    Several packs are shown as they are used together: `rules: [bank, upi, compliance]` in a configuration.
    """
    from udfs.rules.combined import CombinationError, combined
    from udfs.rules.pack_files import RuleFileError, load_rule_set, pack_names, shipped_pack

    def of(pack: str) -> RuleSet:
        return shipped_pack(pack) if pack in pack_names() or not Path(pack).exists() else load_rule_set(Path(pack))

    try:
        rule_set = combined([of(pack) for pack in packs])
    except (RuleFileError, CombinationError) as error:
        raise UserError(str(error)) from None
    click.echo(f"{rule_set.name}, version {rule_set.version}: {rule_set.description}")
    click.echo("points -> score: " + ", ".join(f"{points} -> {score}" for points, score in rule_set.scale))
    for rule in rule_set.rules:
        click.echo()
        click.echo(f"{rule.points:>4}  {rule.id}{_remarks(rule)}")
        click.echo(f"      when    {' '.join(rule.when.split())}")
        click.echo(f"      reason  {rule.reason}")


def _remarks(rule: Rule) -> str:
    remarks = []
    if rule.tier is not None:
        remarks.append(f"tier {rule.tier}")
    if rule.action is not None:
        remarks.append(f"at least {rule.action}")
    if rule.flag is not None:
        remarks.append(f"flag {rule.flag}")
    if rule.event != "transaction":
        remarks.append("on account changes")
    if not rule.enabled:
        remarks.append("disabled")
    elif rule.standing != "live":
        remarks.append(rule.standing)
    return f"  ({', '.join(remarks)})" if remarks else ""
