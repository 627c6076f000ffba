"""A rule set as the text of a rule file."""

from __future__ import annotations

from typing import Any

import msgspec
import yaml

from udfs.rules.rule_set import RuleSet

WIDEST = 1_000_000
"""Texts are not folded: a condition is one line."""


def rule_file_text(rule_set: RuleSet) -> str:
    """YAML that is read as the same rule set, in the order of docs/rules.md."""
    head: dict[str, Any] = {"name": rule_set.name, "version": rule_set.version}
    if rule_set.description:
        head["description"] = rule_set.description
    scale = ", ".join(f"[{points}, {score}]" for points, score in rule_set.scale)
    rules = "\n".join(_entry(msgspec.to_builtins(rule)) for rule in rule_set.rules)
    return (
        f"{_dumped(head)}scale: [{scale}]\nrules:\n{rules}"
        if rules
        else f"{_dumped(head)}scale: [{scale}]\nrules: []\n"
    )


def _entry(rule: dict[str, Any]) -> str:
    lines = _dumped(rule).removesuffix("\n").split("\n")
    return "".join(f"{'  - ' if number == 0 else '    '}{line}\n" for number, line in enumerate(lines))


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are, and escapes what is not seen."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = None if text.isprintable() else "|" if text.replace("\n", "").isprintable() else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _dumped(value: dict[str, Any]) -> str:
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDEST)
    return text
