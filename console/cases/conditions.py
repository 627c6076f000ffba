"""The conditions of rules that hit, part by part, with the values that they were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from udfs.rules.errors import RuleError
from udfs.rules.expressions import (
    AllOf,
    AnyOf,
    Arithmetic,
    Comparison,
    Expression,
    Flag,
    Membership,
    Name,
    Negative,
    Not,
    Number,
    Text,
    names_in,
    parse_condition,
)


class Given(NamedTuple):
    """A name of a condition, and its value; None is not known."""

    name: str
    value: float | str | bool | None


class Part(NamedTuple):
    """A part of a condition, of which all parts must hold."""

    condition: str
    given: list[Given]


def parts_of(
    condition: str, feature_names: Sequence[str], features: Mapping[str, float | None], event: Mapping[str, Any] | None
) -> list[Part]:
    """The parts of a condition with the values of a decision's features and of its payment. A condition that this program
    cannot read is one part without values."""
    try:
        tree = parse_condition(condition, feature_names)
    except RuleError:
        return [Part(condition, [])]
    found = []
    for part in tree.operands if isinstance(tree, AllOf) else (tree,):
        names = sorted(names_in(part), key=lambda name: name.name)
        found.append(Part(words_of(part), [Given(name.name, _value(name, features, event)) for name in names]))
    return found


def words_of(node: Expression) -> str:
    """A tree as text of the rule language."""
    match node:
        case Number():
            return f"{node.value:g}"
        case Text():
            return f'"{node.value}"'
        case Flag():
            return "true" if node.value else "false"
        case Name():
            return node.name
        case Negative():
            return f"-{_inner(node.operand)}"
        case Arithmetic():
            return f"{_inner(node.left)} {node.operator} {_inner(node.right)}"
        case Comparison():
            words = _inner(node.operands[0])
            for operator, operand in zip(node.operators, node.operands[1:], strict=True):
                words += f" {operator} {_inner(operand)}"
            return words
        case Membership():
            choices = (f"{one:g}" if isinstance(one, float | int) else f'"{one}"' for one in node.choices)
            return f"{_inner(node.operand)} in [{', '.join(choices)}]"
        case Not():
            return f"not {_inner(node.operand)}"
        case AllOf():
            return " and ".join(_inner(one) for one in node.operands)
        case AnyOf():
            return " or ".join(_inner(one) for one in node.operands)


def _inner(node: Expression) -> str:
    words = words_of(node)
    return words if isinstance(node, Number | Text | Flag | Name | Negative) else f"({words})"


def _value(
    name: Name, features: Mapping[str, float | None], event: Mapping[str, Any] | None
) -> float | str | bool | None:
    if name.source == "features":
        return features.get(name.field)
    if name.source == "event" and event is not None:
        value: float | str | bool | None = event.get(name.field)
        return value
    return None
