"""Parses JSON and Python literals in text columns.

Columns written by `str(dict)` have single quotes, None and tuples; some mix single quotes with null and true. All of
these are parsed; no code is evaluated.
"""

from __future__ import annotations

import ast

import msgspec

from ingest.errors import UnreadableValue

MAX_TEXT_LENGTH = 1_000_000
MAX_DEPTH = 32
MAX_LITERAL_LENGTH = 100_000  # Python's parser takes about 100 bytes of memory per character
_JSON_NAMES: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def parse_literal(text: str) -> object:
    """Parses the text to dicts, lists, str, int, float, bool and None. Raises UnreadableValue."""
    if len(text) > MAX_TEXT_LENGTH:
        raise UnreadableValue(f"JSON of at most {MAX_TEXT_LENGTH:,} characters")
    if _depth(text) > MAX_DEPTH:
        raise UnreadableValue(f"JSON nested at most {MAX_DEPTH} deep")
    try:
        parsed: object = msgspec.json.decode(text)
        return parsed
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        reason = f"JSON or a Python literal ({error})"
    if len(text) > MAX_LITERAL_LENGTH:
        raise UnreadableValue(reason)
    try:
        tree = _JsonConstants().visit(ast.parse(text.strip(), mode="eval"))
        return _plain(ast.literal_eval(tree))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise UnreadableValue(reason) from None


class _JsonConstants(ast.NodeTransformer):
    """Replaces the names true, false and null by their constants."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.copy_location(ast.Constant(_JSON_NAMES[node.id]), node) if node.id in _JSON_NAMES else node


def _plain(value: object) -> object:
    """Converts tuples to lists; raises ValueError for types that JSON lacks (sets, bytes, complex numbers)."""
    if isinstance(value, list | tuple):
        return [_plain(element) for element in value]
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(key): _plain(element) for key, element in value.items()}
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise ValueError(type(value).__name__)


def _depth(text: str) -> int:
    """Maximum nesting depth of brackets outside quotes."""
    depth = deepest = 0
    quote = ""
    escaped = False
    for character in text:
        if quote:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = True
            elif character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character in "[{(":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]})":
            depth -= 1
    return deepest
