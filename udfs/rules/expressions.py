"""Conditions as trees, made by the core's parser: for what reads conditions, such as their translation to columns.

The core evaluates conditions. The trees are well typed: operands of arithmetic are numbers, those of a comparison are all
numbers (true and false among them) or all texts. Codes (kind, auth_result, channel, entry_mode, countries) are spelled as
in decoded events.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from udfs.core import _native
from udfs.rules.names import Kind, Name


class Number(msgspec.Struct, frozen=True):
    value: float


class Text(msgspec.Struct, frozen=True):
    value: str


class Flag(msgspec.Struct, frozen=True):
    """`true` or `false`; in comparisons 1 or 0."""

    value: bool


class Negative(msgspec.Struct, frozen=True):
    operand: Expression


class Arithmetic(msgspec.Struct, frozen=True):
    """`operator` is + - * / or %. A division by 0 is unknown; a remainder has the sign of the divisor."""

    operator: str
    left: Expression
    right: Expression


class Comparison(msgspec.Struct, frozen=True):
    """`operands[0] operators[0] operands[1] operators[1] …`: true if every link is true."""

    operands: tuple[Expression, ...]
    operators: tuple[str, ...]


class Membership(msgspec.Struct, frozen=True):
    """Whether the operand is one of the choices, which are all numbers or all texts as it is."""

    operand: Expression
    choices: tuple[float, ...] | tuple[str, ...]


class Not(msgspec.Struct, frozen=True):
    operand: Expression


class AllOf(msgspec.Struct, frozen=True):
    operands: tuple[Expression, ...]


class AnyOf(msgspec.Struct, frozen=True):
    operands: tuple[Expression, ...]


Expression = Number | Text | Flag | Name | Negative | Arithmetic | Comparison | Membership | Not | AllOf | AnyOf
"""A number as a condition is true if it is not 0."""

__all__ = [
    "AllOf", "AnyOf", "Arithmetic", "Comparison", "Expression", "Flag", "Kind", "Membership", "Name", "Negative", "Not",
    "Number", "Text", "names_in", "parse_condition",
]  # fmt: skip


def parse_condition(text: str, feature_names: Sequence[str]) -> Expression:
    """The tree of a condition over features of these names. Raises RuleError for every invalid text."""
    return _native.parse_condition(text, list(feature_names))


def names_in(node: Expression) -> set[Name]:
    """The names that an expression reads."""
    match node:
        case Name():
            return {node}
        case Arithmetic():
            return names_in(node.left) | names_in(node.right)
        case Negative() | Not() | Membership():
            return names_in(node.operand)
        case Comparison() | AllOf() | AnyOf():
            return {name for operand in node.operands for name in names_in(operand)}
        case _:
            return set()
