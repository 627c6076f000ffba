"""Text in SQL, quoted."""

from __future__ import annotations


def text_literal(text: str) -> str:
    """A string literal: quotes inside are doubled."""
    return "'" + text.replace("'", "''") + "'"


def options(values: dict[str, str]) -> str:
    """The WITH clause of a table."""
    return "WITH (" + ", ".join(f"{text_literal(key)} = {text_literal(value)}" for key, value in values.items()) + ")"
