"""Writes a condition's tree as a condition again, in brackets."""

from __future__ import annotations

from udfs.rules.expressions import (
    AllOf,
    AnyOf,
    Arithmetic,
    Call,
    Comparison,
    Expression,
    Flag,
    Membership,
    Name,
    Negative,
    Not,
    Number,
    Text,
)


def text_of_tree(node: Expression) -> str:
    """A condition with the same tree, also for Python's parser."""
    match node:
        case Name():
            return node.name
        case Number():
            return repr(node.value)
        case Text():
            return repr(node.value)
        case Flag():
            return str(node.value).lower()
        case Negative():
            return f"-{_inner(node.operand)}"
        case Not():
            return f"not {_inner(node.operand)}"
        case Arithmetic():
            return f"{_inner(node.left)} {node.operator} {_inner(node.right)}"
        case Call():
            return f"{node.function}({', '.join(map(text_of_tree, node.arguments))})"
        case Membership():
            return f"{_inner(node.operand)} in [{', '.join(map(repr, node.choices))}]"
        case Comparison():
            links = zip(node.operators, node.operands[1:], strict=True)
            return _inner(node.operands[0]) + "".join(f" {operator} {_inner(operand)}" for operator, operand in links)
        case AllOf() | AnyOf():
            word = " and " if isinstance(node, AllOf) else " or "
            return word.join(map(_inner, node.operands))


def _inner(node: Expression) -> str:
    return text_of_tree(node) if isinstance(node, Name | Number | Text | Flag) else f"({text_of_tree(node)})"
