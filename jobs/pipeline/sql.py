"""Quoting of SQL literals and options."""

from __future__ import annotations


def text_literal(text: str) -> str:
    """A SQL string literal; quotes inside are doubled."""
    return "'" + text.replace("'", "''") + "'"


def options(values: dict[str, str]) -> str:
    """The WITH clause of a CREATE TABLE statement."""
    return "WITH (" + ", ".join(f"{text_literal(key)} = {text_literal(value)}" for key, value in values.items()) + ")"
