"""Conditions as trees, made by the core's parser: for what reads conditions, such as their translation to columns.

The core evaluates conditions. The trees are well typed: operands of arithmetic are numbers, those of a comparison are all
numbers (true and false among them) or all texts. Codes (kind, auth_result, channel, entry_mode, countries) are spelled as
in decoded events.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from udfs.core import _native
from udfs.rules.named_lists import NO_LISTS, Lists, compiled
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


class Call(msgspec.Struct, frozen=True):
    """`function` is one of FUNCTIONS, which has its meaning; times among the arguments are epoch milliseconds.

    abs, min, max, round, hours_between and days_between give a number, lower a text, startswith and known a condition,
    coalesce what its arguments are: numbers, texts, or true and false. Unknown arguments make all but known and coalesce
    unknown. `round(x, places)` is x * 10**places, rounded with halves away from 0, / 10**places; x itself where that
    product is infinite.
    """

    function: str
    arguments: tuple[Expression, ...]


class Window(msgspec.Struct, frozen=True):
    """The user's payments of the last `hours` hours, from the beginning of the first one to this payment: their number
    (`function` is "count"), or the sum of their amounts ("amount_sum"). `name`: as conditions write it."""

    name: str
    function: str
    hours: int


class Comparison(msgspec.Struct, frozen=True):
    """`operands[0] operators[0] operands[1] operators[1] …`: true if every link is true."""

    operands: tuple[Expression, ...]
    operators: tuple[str, ...]


class Membership(msgspec.Struct, frozen=True):
    """Whether the operand is one of the choices, which are all numbers or all texts as it is."""

    operand: Expression
    choices: tuple[float, ...] | tuple[str, ...]


class InList(msgspec.Struct, frozen=True):
    """Whether the operand, a text, is on the list of this name at the transaction's event time."""

    operand: Expression
    list: str


class Not(msgspec.Struct, frozen=True):
    operand: Expression


class AllOf(msgspec.Struct, frozen=True):
    operands: tuple[Expression, ...]


class AnyOf(msgspec.Struct, frozen=True):
    operands: tuple[Expression, ...]


Expression = (
    Number
    | Text
    | Flag
    | Name
    | Negative
    | Arithmetic
    | Call
    | Window
    | Comparison
    | Membership
    | InList
    | Not
    | AllOf
    | AnyOf
)
"""A number as a condition is true if it is not 0."""

__all__ = [
    "AllOf", "AnyOf", "Arithmetic", "Call", "Comparison", "Expression", "Flag", "InList", "Kind", "Membership", "Name",
    "Negative", "Not", "Number", "Text", "Window", "names_in", "parse_condition", "windows_in",
]  # fmt: skip


def parse_condition(text: str, feature_names: Sequence[str], lists: Lists = NO_LISTS) -> Expression:
    """The tree of a condition over features of these names and these lists. Raises RuleError for every invalid text."""
    return _native.parse_condition(text, list(feature_names), compiled(lists))


def names_in(node: Expression) -> set[Name]:
    """The names that an expression reads."""
    return {part for part in _parts(node) if isinstance(part, Name)}


def windows_in(node: Expression) -> set[Window]:
    """The windows that an expression reads."""
    return {part for part in _parts(node) if isinstance(part, Window)}


def _parts(node: Expression) -> Iterator[Expression]:
    """The expression, and all that it is made of."""
    yield node
    match node:
        case Arithmetic():
            inner: tuple[Expression, ...] = (node.left, node.right)
        case Negative() | Not() | Membership() | InList():
            inner = (node.operand,)
        case Call():
            inner = node.arguments
        case Comparison() | AllOf() | AnyOf():
            inner = node.operands
        case _:
            inner = ()
    for part in inner:
        yield from _parts(part)
