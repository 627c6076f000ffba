"""`fraud rules`: check a rule set before it goes live, read one, or learn what its points mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError
from cli.rules_calibrate import calibrate

if TYPE_CHECKING:
    from udfs.rules.errors import RuleError
    from udfs.rules.rule_set import Rule, RuleSet


@click.group(name="rules")
def command() -> None:
    """Check, show or calibrate a rule set. How rules are written: docs/rules.md."""


command.add_command(calibrate)


@command.command(name="check")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--bundle", type=click.Path(path_type=Path), help="Model bundle whose attributes the rules may use.")
def check(file: Path, bundle: Path | None) -> None:
    """Check FILE (YAML or JSON): its structure, every condition and every reason text."""
    from udfs.bundle import BundleError, read_manifest
    from udfs.features.feature_set import feature_set_of
    from udfs.rules.pack_files import RuleFileError, load_rule_set

    try:
        rule_set = load_rule_set(file)
        attributes = read_manifest(bundle).attributes if bundle is not None else ()
    except (RuleFileError, BundleError) as error:
        raise UserError(str(error)) from None
    faults = _faults(rule_set, feature_set_of(attributes).names)
    if faults:
        raise UserError("\n".join(f"{file.name}: {fault}" for fault in faults))
    for note in _shadowed(rule_set.rules):
        click.echo(f"{file.name}: note: {note}")
    enabled = sum(rule.enabled for rule in rule_set.rules)
    counts = f"{enabled} of {len(rule_set.rules)} rules enabled"
    click.echo(f"{file.name}: {rule_set.name} version {rule_set.version}, {counts}: all good")


@command.command(name="show")
@click.option("--pack", default="bank", show_default=True, help="A shipped pack by name, or the path of a rule file.")
def show(pack: str) -> None:
    """Show a rule set: points, conditions and reasons, in the order in which they are looked at."""
    from udfs.rules.pack_files import RuleFileError, load_rule_set, pack_names, shipped_pack

    try:
        rule_set = shipped_pack(pack) if pack in pack_names() or not Path(pack).exists() else load_rule_set(Path(pack))
    except RuleFileError as error:
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
    if not rule.enabled:
        remarks.append("disabled")
    return f"  ({', '.join(remarks)})" if remarks else ""


def _faults(rule_set: RuleSet, feature_names: tuple[str, ...]) -> list[RuleError]:
    """Every faulty rule, not only the first."""
    from udfs.rules.errors import RuleError
    from udfs.rules.names import Vocabulary
    from udfs.rules.rulebook import check_rule

    vocabulary = Vocabulary(feature_names)
    faults = []
    for rule in rule_set.rules:
        try:
            check_rule(rule, vocabulary)
        except RuleError as error:
            faults.append(error)
    return faults


def _shadowed(rules: tuple[Rule, ...]) -> list[str]:
    """Tiers whose rows do not fall in points: the first hit counts, so a later, higher one may never be reached."""
    notes = []
    last: dict[str, Rule] = {}
    for rule in rules:
        if rule.tier is None:
            continue
        before = last.get(rule.tier)
        if before is not None and before.points < rule.points:
            notes.append(f"tier {rule.tier}: {rule.id} gives more points than {before.id}, which comes first")
        last[rule.tier] = rule
    return notes
