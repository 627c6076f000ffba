"""Lists as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from udfs.rules.named_lists import NamedList
from udfs.rules.rule_set import RuleSet
from udfs.rules.rulebook import rules_with_list


def list_line(named_list: NamedList, rule_set: RuleSet) -> str:
    """Name, type, version and size of a list, and the rules that refer to it."""
    expiring = sum(entry.expires_at is not None for entry in named_list.entries)
    users = rules_with_list(rule_set, named_list.name)
    used = f"used by {', '.join(users)}" if users else "used by no rule"
    description = f": {named_list.description}" if named_list.description else ""
    return (
        f"@{named_list.name} version {named_list.version}, {len(named_list.entries)} entries of type {named_list.type} "
        f"({expiring} with an expiry), {used}{description}"
    )


def entry_lines(named_list: NamedList) -> Iterator[str]:
    """A line for each entry."""
    for entry in named_list.entries:
        parts = [
            f"owner {entry.owner}" if entry.owner else "",
            entry.reason or "",
            f"until {_utc(entry.expires_at)}" if entry.expires_at is not None else "",
            f"from {entry.source_alert}" if entry.source_alert else "",
        ]
        told = ", ".join(part for part in parts if part)
        yield f"  {entry.value}{f'  ({told})' if told else ''}"


def _utc(time_ms: int) -> str:
    return datetime.fromtimestamp(time_ms / 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
