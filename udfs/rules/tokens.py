"""A condition's text as tokens. Nothing but ASCII passes outside of quoted text."""

from __future__ import annotations

import re
from typing import NamedTuple

from udfs.rules.errors import RuleError
from udfs.rules.names import shown

MAX_LENGTH = 1000
_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<text>"[^"]*"|'[^']*')
      | (?P<symbol><=|>=|==|!=|[-+*/%<>()\[\],])""",
    re.VERBOSE,
)
_HINTS = {
    "=": "compare with ==",
    "&": "write 'and'",
    "|": "write 'or'",
    "!": "write 'not', or != to compare",
    '"': "the closing quote is missing",
    "'": "the closing quote is missing",
}
_NUMBER_GOES_ON = re.compile(r"[A-Za-z0-9_.]")


class Token(NamedTuple):
    """`kind` is number, name, text, symbol or end; `position` the 1-based column; a text comes without its quotes."""

    kind: str
    value: str
    position: int


def tokens_of(text: str) -> list[Token]:
    """Split a condition into tokens, the last of kind `end`. Raises RuleError."""
    if not isinstance(text, str):
        raise RuleError(f"a condition is a text, not {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise RuleError(f"the condition has {len(text)} characters, at most {MAX_LENGTH} are allowed")
    tokens = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise RuleError(f"unexpected character {shown(text[at])}", at + 1, hint=_HINTS.get(text[at]))
        kind, value = str(found.lastgroup), found.group()
        if kind == "number" and _NUMBER_GOES_ON.match(text, found.end()):
            raise RuleError(f"{shown(value + text[found.end()])} is not a number", at + 1, hint="write it like 1000.5")
        if kind == "text":
            value = _checked(value[1:-1], at + 2)
        if kind != "space":
            tokens.append(Token(kind, value, at + 1))
        at = found.end()
    tokens.append(Token("end", "", len(text) + 1))
    return tokens


def _checked(text: str, position: int) -> str:
    for offset, character in enumerate(text):
        if character == "\\" or not character.isprintable():
            raise RuleError(f"{shown(character)} is not allowed in a quoted text", position + offset)
    return text
