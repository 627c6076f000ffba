"""Oracle for conditions: an interpreter on Python's parser with Kleene's three-valued logic; None is unknown."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from math import fabs, isinf, isnan

Value = float | str | bool | None

_ORDER = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}  # fmt: skip
_WINDOW = re.compile(r"(count|amount_sum)\(last (\d+) (hour|day)s?\)")


def truth(text: str, values: Mapping[str, Value]) -> bool | None:
    """True, False or None (unknown), for a condition that is also a Python expression, but for `count(last 7 days)`."""
    known = {_as_python(name): value for name, value in values.items()}
    return _truth(ast.parse(_as_python(text), mode="eval").body, {**known, "true": 1.0, "false": 0.0})


@cache
def _as_python(text: str) -> str:
    """With a name in place of each window, the same for windows of the same length."""
    hours = {"hour": 1, "day": 24}
    return _WINDOW.sub(lambda found: f"{found[1]}_of_{int(found[2]) * hours[found[3]]}_hours", text)


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
    if isinstance(node, ast.Call) and _name_of(node) == "known":
        return _is_known(node.args[0], values)
    if isinstance(node, ast.Call) and _name_of(node) == "startswith":
        text, start = (_value(part, values) for part in node.args)
        return None if text is None or start is None else str(text)[: len(str(start))] == start
    number = _value(node, values)
    return None if number is None else number != 0


def _is_known(node: ast.expr, values: Mapping[str, Value]) -> bool:
    is_condition = isinstance(node, ast.BoolOp | ast.Compare) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    )
    if is_condition or (isinstance(node, ast.Call) and _name_of(node) in ("known", "startswith")):
        return _truth(node, values) is not None
    return _value(node, values) is not None


def _call(name: str, arguments: list[Value]) -> Value:
    if name == "coalesce":
        return next((value for value in arguments if value is not None), None)
    if None in arguments:
        return None
    if name == "lower":
        return str(arguments[0]).lower()
    numbers = [float(value) for value in arguments if value is not None]
    match name:
        case "abs":
            return fabs(numbers[0])
        case "min" | "max":
            ordered = sorted(numbers)
            return ordered[0] if name == "min" else ordered[-1]
        case "round":
            return _rounded(numbers[0], int(numbers[1]) if len(numbers) == 2 else 0)
        case _:
            return _known(
                (numbers[1] - numbers[0]) / {"hours_between": 3_600_000.0, "days_between": 86_400_000.0}[name]
            )


def _rounded(value: float, places: int) -> float:
    scaled = value * 10.0**places
    if isinf(scaled):
        return value
    # Exactly, by the decimal that the float is.
    return float(Decimal(scaled).to_integral_value(ROUND_HALF_UP)) / 10.0**places


def _moment(text: str) -> float:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000.0


def _name_of(node: ast.Call) -> str:
    assert isinstance(node.func, ast.Name)
    return node.func.id


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
    if isinstance(node, ast.Call):
        arguments = [_value(part, values) for part in node.args]
        if _name_of(node).endswith("_between"):
            arguments = [_moment(value) if isinstance(value, str) else value for value in arguments]
        return _call(_name_of(node), arguments)
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
