"""`fraud rules`: checks, shows and calibrates rule sets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from cli.rules_calibrate import calibrate

if TYPE_CHECKING:
    from udfs.rules.rule_set import Rule, RuleSet


@click.group(name="rules")
def command() -> None:
    """Check, show or calibrate a rule set. The rule language: docs/rules.md."""


command.add_command(calibrate)


@command.command(name="check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--bundle", type=click.Path(path_type=Path), help="Model bundle whose attributes the rules may use.")
def check(file: Path, bundle: Path | None) -> None:
    """Check FILE (YAML or JSON): its structure, every condition and every reason text.

    Conditions that can never be true and codes that do not exist are errors. What may be intended, e.g. a condition that is
    always true, is a warning.
    """
    from udfs.features.feature_set import feature_set_of
    from udfs.rules.pack_files import RuleFileError, load_rule_set
    from udfs.rules.rulebook import rule_problems
    from udfs.scoring.bundle import BundleError, read_manifest

    try:
        rule_set = load_rule_set(file)
        attributes = read_manifest(bundle).attributes if bundle is not None else ()
    except (RuleFileError, BundleError) as error:
        raise UserError(str(error)) from None
    problems = rule_problems(rule_set, feature_set_of(attributes).names)
    for severity, problem in problems:
        if severity == "warning":
            click.echo(f"{file.name}: warning: {problem}")
    errors = [f"{file.name}: {problem}" for severity, problem in problems if severity == "error"]
    if errors:
        raise UserError("\n".join(errors))
    enabled = sum(rule.enabled for rule in rule_set.rules)
    counts = f"{enabled} of {len(rule_set.rules)} rules enabled"
    click.echo(f"{file.name}: {rule_set.name} version {rule_set.version}, {counts}: valid")


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
    return f"  ({', '.join(remarks)})" if remarks else ""
