"""A tree as text of the condition language, which the parser reads as the same tree."""

from __future__ import annotations

from udfs.rules.expressions import (
    AllOf,
    AnyOf,
    Arithmetic,
    Call,
    Comparison,
    Expression,
    Flag,
    InList,
    Membership,
    Name,
    Negative,
    Not,
    Number,
    Text,
    Window,
)


def text_of(node: Expression) -> str:
    """The expression as text."""
    match node:
        case Name() | Window():
            return node.name
        case Number():
            return _number(node.value)
        case Text():
            return _quoted(node.value)
        case Flag():
            return "true" if node.value else "false"
        case Negative():
            return f"-{_inner(node.operand)}"
        case Not():
            return f"not {_inner(node.operand)}"
        case Arithmetic():
            return f"{_inner(node.left)} {node.operator} {_inner(node.right)}"
        case Call():
            return f"{node.function}({', '.join(map(text_of, node.arguments))})"
        case Membership():
            choices = (_quoted(one) if isinstance(one, str) else _number(one) for one in node.choices)
            return f"{_inner(node.operand)} in [{', '.join(choices)}]"
        case InList():
            return f"{_inner(node.operand)} in @{node.list}"
        case Comparison():
            links = zip(node.operators, node.operands[1:], strict=True)
            return _inner(node.operands[0]) + "".join(f" {operator} {_inner(operand)}" for operator, operand in links)
        case AllOf():
            return " and ".join(map(_inner, node.operands))
        case AnyOf():
            return " or ".join(map(_inner, node.operands))


def _inner(node: Expression) -> str:
    is_whole = isinstance(node, Name | Number | Text | Flag | Call | Window)
    return text_of(node) if is_whole else f"({text_of(node)})"


def _number(value: float) -> str:
    return repr(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(float(value))


def _quoted(text: str) -> str:
    """In the quotes that the text does not contain: the language has no backslashes."""
    return f"'{text}'" if '"' in text else f'"{text}"'
