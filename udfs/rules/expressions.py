"""A condition as a tree of the few things that the language has. Every node is well typed by construction."""

from __future__ import annotations

from dataclasses import dataclass

from udfs.rules.names import Kind, Name


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class Flag:
    value: bool


@dataclass(frozen=True, slots=True)
class Negative:
    operand: Expression


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Comparison:
    """`operands[0] operators[0] operands[1] operators[1] …`: true where every link is."""

    operands: tuple[Expression, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Membership:
    operand: Expression
    choices: tuple[float, ...] | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expression


@dataclass(frozen=True, slots=True)
class AllOf:
    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    operands: tuple[Expression, ...]


Expression = Number | Text | Flag | Name | Negative | Arithmetic | Comparison | Membership | Not | AllOf | AnyOf


def kind_of(node: Expression) -> Kind:
    """The type of an expression."""
    match node:
        case Name():
            return node.kind
        case Number() | Negative() | Arithmetic():
            return Kind.NUMBER
        case Text():
            return Kind.TEXT
        case Flag():
            return Kind.FLAG
        case _:
            return Kind.CONDITION


def depth_of(node: Expression) -> int:
    """Levels of the tree, counted without recursion: a long chain of additions is a deep tree, too."""
    deepest = 0
    pending = [(node, 1)]
    while pending:
        current, depth = pending.pop()
        deepest = max(deepest, depth)
        pending.extend((part, depth + 1) for part in _parts(current))
    return deepest


def _parts(node: Expression) -> tuple[Expression, ...]:
    match node:
        case Arithmetic():
            return (node.left, node.right)
        case Negative() | Not() | Membership():
            return (node.operand,)
        case Comparison() | AllOf() | AnyOf():
            return node.operands
        case _:
            return ()


def names_in(node: Expression) -> set[Name]:
    """The names that an expression reads."""
    if isinstance(node, Name):
        return {node}
    return {name for part in _parts(node) for name in names_in(part)}
