"""`fraud rules schema` and `fraud rules completions`: what editors need for rule files."""

from __future__ import annotations

from pathlib import Path

import click

from cli.list_option import LISTS
from cli.rules_check import BUNDLE, features_and_lists


@click.command(name="schema")
def schema() -> None:
    """Print the JSON schema of rule files.

    \b
    fraud rules schema > rules.schema.json
    # yaml-language-server: $schema=rules.schema.json   (the first line of a rule file)
    """
    import json

    from udfs.rules.rule_schema import rule_file_schema

    click.echo(json.dumps(rule_file_schema(), indent=2))


@click.command(name="completions")
@BUNDLE
@LISTS
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True,
              help="json: for editors.")  # fmt: skip
def completions(bundle: Path | None, lists: Path | None, form: str) -> None:
    """Print what a condition may contain: names with type, unit and meaning, functions, lists and keywords."""
    import json

    from udfs.rules.completions import completions as completions_of

    features, known = features_and_lists(bundle, lists)
    found = completions_of(features, known)
    if form == "json":
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for name in found["names"]:
        click.echo(f"{name['name']:36} {name['type']:8} {name['unit']:24} {name['meaning']}")
    for function in found["functions"]:
        click.echo(f"{function['form']:36} {function['gives']:33} {function['meaning']}")
    for known_list in found["lists"]:
        click.echo(f"{known_list['name']:36} list     {known_list['type']:24} {known_list['meaning']}")
