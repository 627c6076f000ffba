"""The words of a hit: a text with the values of names put in."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite

from udfs.events import Transaction
from udfs.features.values import NamedValues
from udfs.rules.errors import RuleError
from udfs.rules.names import Kind, Name, Vocabulary, shown

MAX_LENGTH = 500
UNKNOWN = "unknown"
_PIECE = re.compile(r"(?P<literal>(?:[^{}]|\{\{|\}\})+)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::(?P<format>[^{}]*))?\}")
_FORMAT = re.compile(r",?\.[0-6]f")
_LARGEST_EXACT = 2.0**53

Piece = Callable[[NamedValues, Transaction, dict[str, float]], str]


class ReasonTemplate:
    """A checked reason text: `{name}` puts a value in, `{name:.1f}` and `{name:,.2f}` say how to write a number."""

    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        """Raises RuleError, whatever the text."""
        if not isinstance(text, str) or not text.strip():
            raise RuleError("the reason is empty")
        if len(text) > MAX_LENGTH:
            raise RuleError(f"the reason has {len(text)} characters, at most {MAX_LENGTH} are allowed")
        if not text.isprintable():
            raise RuleError("the reason must be one line of printable characters")
        self._pieces: list[str | Piece] = []
        at = 0
        while at < len(text):
            found = _PIECE.match(text, at)
            if found is None:
                raise RuleError("the reason has a brace that is no {name} or {name:.1f}", at + 1, hint="write {{ or }}")
            if found["name"] is None:
                self._pieces.append(found.group().replace("{{", "{").replace("}}", "}"))
            else:
                self._pieces.append(_placeholder(vocabulary.lookup(found["name"], at + 2), found["format"], at + 1))
            at = found.end()

    def words(self, features: NamedValues, event: Transaction, population: dict[str, float]) -> str:
        """The reason with the values of this transaction; what is not known reads "unknown"."""
        return "".join(
            piece if isinstance(piece, str) else piece(features, event, population) for piece in self._pieces
        )


def _placeholder(name: Name, spec: str | None, position: int) -> Piece:
    if spec is not None and not (name.kind is Kind.NUMBER and _FORMAT.fullmatch(spec)):
        hint = "use .0f to .6f or ,.2f" if name.kind is Kind.NUMBER else "only a number has a format"
        raise RuleError(f"the format {shown(spec)} is not allowed for {name.name}", position, hint=hint)

    def piece(features: NamedValues, event: Transaction, population: dict[str, float]) -> str:
        return _written(name.read(features, event, population), spec)

    return piece


def _written(value: object, spec: str | None) -> str:
    if value is None or value != value:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value if value.isprintable() else ascii(value)[1:-1]
    assert isinstance(value, int | float)
    if spec is not None:
        return format(value, spec)
    return (
        str(int(value)) if isfinite(value) and value == int(value) and abs(value) < _LARGEST_EXACT else f"{value:.6g}"
    )
