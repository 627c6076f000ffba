"""`fraud rules check`: all that is wrong, or odd, about a rule file, for people and for editors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.errors import UserError
from cli.list_option import LISTS, named_lists

if TYPE_CHECKING:
    from udfs.rules.checked_file import CheckedFile

BUNDLE = click.option(
    "--bundle", type=click.Path(path_type=Path), help="Model bundle whose attributes the rules may use."
)
INVALID = 2


@click.command(name="check")
@click.argument("file", type=click.Path(path_type=Path))
@BUNDLE
@LISTS
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="json: problems with line and columns, for editors.")  # fmt: skip
def check(file: Path, bundle: Path | None, lists: Path | None, form: str) -> None:
    """Check FILE (YAML or JSON): its structure, every condition and every reason text.

    Conditions that can never be true and codes that do not exist are errors. What may be intended, e.g. a condition that is
    always true, is a warning. Exit code 2 for errors, in either format.
    """
    from udfs.rules.checked_file import check_rule_file
    from udfs.rules.pack_files import RuleFileError, read_rule_file

    names, known = features_and_lists(bundle, lists)
    try:
        content = read_rule_file(file)
    except RuleFileError as error:
        raise UserError(str(error)) from None
    checked = check_rule_file(content, [feature.name for feature in names], known)
    if form == "json":
        return _as_json(file, checked)
    for severity, problem in checked.problems:
        if severity == "warning":
            click.echo(f"{file.name}: warning: {problem}")
    errors = [f"{file.name}: {problem}" for severity, problem in checked.problems if severity == "error"]
    rule_set = checked.rule_set
    if errors or rule_set is None:
        raise UserError("\n".join(errors))
    enabled = sum(rule.enabled for rule in rule_set.rules)
    counts = f"{enabled} of {len(rule_set.rules)} rules enabled"
    click.echo(f"{file.name}: {rule_set.name} version {rule_set.version}, {counts}: valid")


def features_and_lists(bundle: Path | None, lists: Path | None) -> tuple[tuple[Any, ...], Any]:
    """The features of a bundle, or those of the catalogue, and the lists of a file or folder. Raises UserError."""
    from udfs.features.feature_set import feature_set_of
    from udfs.scoring.bundle import BundleError, read_manifest

    try:
        attributes = read_manifest(bundle).attributes if bundle is not None else ()
        return feature_set_of(attributes).features, named_lists(lists)
    except BundleError as error:
        raise UserError(str(error)) from None


def _as_json(file: Path, checked: CheckedFile) -> None:
    import json

    import msgspec

    told = [msgspec.structs.asdict(problem) for problem in checked.located()]
    rule_set = checked.rule_set
    name, version = (None, None) if rule_set is None else (rule_set.name, rule_set.version)
    report = {"file": str(file), "name": name, "version": version, "valid": checked.is_valid, "problems": told}
    click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    if not checked.is_valid:
        click.get_current_context().exit(INVALID)
