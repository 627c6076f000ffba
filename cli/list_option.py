"""The option `--lists`: named lists that rules may refer to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.errors import UserError

if TYPE_CHECKING:
    from udfs.rules.named_lists import Lists

LISTS = click.option(
    "--lists", type=click.Path(path_type=Path), metavar="FILE|FOLDER",
    help="Named lists that rules may refer to (@NAME): a YAML file, or a folder of them.",
)  # fmt: skip


def named_lists(path: Path | None) -> Lists:
    """The lists of a file or folder; none without a path. Raises UserError."""
    from udfs.rules.list_files import ListFileError, lists_of

    try:
        return lists_of(None if path is None else str(path))
    except ListFileError as error:
        raise UserError(str(error)) from None


def check_rules_of_command(rules: str, lists: Path | None, bundle: Path | None = None) -> None:
    """Write the warnings on rules that a command is about to use. `bundle`: whose attributes they may use; the shipped one
    by default. Raises UserError with a line for each error, lists that were not given among them.
    """
    from jobs.config.errors import ConfigError
    from jobs.config.rules import check_rules
    from jobs.config.value_types import shipped_bundle

    try:
        for warning in check_rules(rules, str(bundle or shipped_bundle()), None if lists is None else str(lists)):
            click.echo(warning)
    except ConfigError as error:
        raise UserError(str(error)) from None


def require_lists_of_command(rules: str, lists: Path | None) -> None:
    """Refuse rules that refer to a list that was not given, before their other names are known. Raises UserError."""
    from udfs.rules.pack_files import RuleFileError, rule_set_of, rules_file
    from udfs.rules.rulebook import missing_lists

    known = named_lists(lists)
    try:
        errors = missing_lists(rule_set_of(rules), known)
    except RuleFileError as error:
        raise UserError(str(error)) from None
    if errors:
        raise UserError("\n".join(f"{rules_file(rules)}: {error}" for error in errors))
