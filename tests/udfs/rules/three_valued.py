"""Oracle for conditions: an interpreter on Python's parser with Kleene's three-valued logic; None is unknown."""

from __future__ import annotations

import ast
import operator
from collections.abc import Mapping
from math import isnan

Value = float | str | bool | None

_ORDER = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip


def truth(text: str, values: Mapping[str, Value]) -> bool | None:
    """True, False or None (unknown), for a condition that is also a Python expression."""
    return _truth(ast.parse(text, mode="eval").body, {**values, "true": 1.0, "false": 0.0})


def _truth(node: ast.expr, values: Mapping[str, Value]) -> bool | None:
    if isinstance(node, ast.BoolOp):
        results = [_truth(part, values) for part in node.values]
        decisive = isinstance(node.op, ast.Or)
        if decisive in results:
            return decisive
        return None if None in results else not decisive
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        result = _truth(node.operand, values)
        return None if result is None else not result
    if isinstance(node, ast.Compare):
        return _comparison(node, values)
    number = _value(node, values)
    return None if number is None else number != 0


def _comparison(node: ast.Compare, values: Mapping[str, Value]) -> bool | None:
    left, results = _value(node.left, values), []
    for symbol, part in zip(node.ops, node.comparators, strict=True):
        if isinstance(symbol, ast.In | ast.NotIn):
            assert isinstance(part, ast.List)
            found = left in [_value(choice, values) for choice in part.elts]
            results.append(None if left is None else found is isinstance(symbol, ast.In))
            break
        right = _value(part, values)
        results.append(None if left is None or right is None else _ORDER[type(symbol)](left, right))
        left = right
    if False in results:
        return False
    return None if None in results else True


def _value(node: ast.expr, values: Mapping[str, Value]) -> Value:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else float(node.value)
    if isinstance(node, ast.Name):
        return _known(values[node.id])
    if isinstance(node, ast.UnaryOp):
        operand = _value(node.operand, values)
        assert not isinstance(operand, str)
        return None if operand is None else -operand
    assert isinstance(node, ast.BinOp), ast.dump(node)
    left, right = _value(node.left, values), _value(node.right, values)
    if left is None or right is None:
        return None
    assert isinstance(left, float)
    assert isinstance(right, float)
    match node.op:
        case ast.Add():
            return _known(left + right)
        case ast.Sub():
            return _known(left - right)
        case ast.Mult():
            return _known(left * right)
        case ast.Div():
            return None if right == 0 else _known(left / right)
        case _:
            return None if right == 0 else _known(left % right)


def _known(value: Value) -> Value:
    if value is None or isinstance(value, str):
        return value
    return None if isnan(value) else float(value)
