"""Conditions as one Python function.

Three-valued logic without a third value: each condition is written in one of two polarities, "definitely true" or
"definitely false". Numbers are floats and an unknown one is NaN, so Python's own comparisons are false for it in both
polarities; only what would come out true for an unknown operand (`!=`, `not in`, a number as a condition) is written
differently. Texts may be None and are guarded where None could come out true or raise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from math import nan
from typing import TypeVar

from udfs.events import Transaction
from udfs.features.values import FeatureValues
from udfs.rules.expressions import (
    AllOf,
    AnyOf,
    Arithmetic,
    Comparison,
    Expression,
    Flag,
    Membership,
    Negative,
    Not,
    Number,
    Text,
    kind_of,
    names_in,
)  # fmt: skip
from udfs.rules.names import Kind, Name

Row = TypeVar("Row")
Matching = Callable[[FeatureValues, Transaction, dict[str, float]], list[Row]]

_SOURCES = {"features": "f.{}", "event": "e.{}", "population": "p['{}']"}
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def compile_rows(rows: Sequence[tuple[Expression, str | None, Row]]) -> Matching[Row]:
    """One function for all rows of (condition, tier, row): (features, event, population) -> the rows that are true.

    In the order given; of the rows that share a tier only the first that is true. Every name that any condition reads
    must be there. Raises nothing for whatever values the names have.
    """
    source = source_of([(condition, tier) for condition, tier, _ in rows])
    namespace: dict[str, object] = {"__builtins__": {}, "nan": nan}
    namespace.update({f"row_{number}": row for number, (_, _, row) in enumerate(rows)})
    exec(compile(source, "<rules>", "exec"), namespace)
    matching: Matching[Row] = namespace["matching"]  # type: ignore[assignment]  # defined by the source
    return matching


def source_of(rows: Sequence[tuple[Expression, str | None]]) -> str:
    """The Python source of the function `matching(f, e, p)`."""
    names = sorted({name for condition, _ in rows for name in names_in(condition)}, key=lambda name: name.name)
    tiers = {tier: f"tier_{number}" for number, tier in enumerate(dict.fromkeys(tier for _, tier in rows if tier))}
    lines = ["def matching(f, e, p):"]
    for name in names:
        lines.append(f"    {_local(name)} = {_SOURCES[name.place].format(name.field)}")
        if name.place == "event" and name.kind is not Kind.TEXT:
            lines.append(f"    {_local(name)} = nan if {_local(name)} is None else {_local(name)} + 0.0")
    lines += [f"    {variable} = False" for variable in tiers.values()]
    lines.append("    hits = []")
    for number, (condition, tier) in enumerate(rows):
        test = _Writer().condition(condition, True)
        if tier:
            lines.append(f"    if not {tiers[tier]} and {test}:")
            lines.append(f"        {tiers[tier]} = True")
        else:
            lines.append(f"    if {test}:")
        lines.append(f"        hits.append(row_{number})")
    lines.append("    return hits")
    return "\n".join(lines) + "\n"


def _local(name: Name) -> str:
    return f"v_{name.name}"


class _Operand:
    """An operand that is written once or twice, but computed once: the first time it is kept in a temporary."""

    def __init__(self, source: str, temporaries: Iterator[int], *, twice: bool, is_plain: bool) -> None:
        self._first = source
        self._later = source
        if twice and not is_plain:
            self._later = f"t{next(temporaries)}"
            self._first = f"({self._later} := {source})"

    def read(self) -> str:
        source, self._first = self._first, self._later
        return source


class _Writer:
    """Writes one row's condition."""

    def __init__(self) -> None:
        self._temporaries = count()

    def condition(self, node: Expression, wanted: bool) -> str:
        """Python that is truthy where the node is definitely true (`wanted`), or definitely false (not `wanted`)."""
        match node:
            case Not():
                return self.condition(node.operand, not wanted)
            case AllOf() | AnyOf():
                word = " and " if isinstance(node, AllOf) == wanted else " or "
                return "(" + word.join(self.condition(operand, wanted) for operand in node.operands) + ")"
            case Comparison():
                return self._comparison(node, wanted)
            case Membership():
                return self._membership(node, wanted)
            case Flag():
                return str(node.value == wanted)
            case _:
                return self._number_as_condition(node, wanted)

    def _number_as_condition(self, node: Expression, wanted: bool) -> str:
        operand = self._operand(node, twice=wanted)
        if not wanted:
            return f"(not {operand.read()})"
        return f"({operand.read()} and {operand.read()} == {operand.read()})"

    def _comparison(self, node: Comparison, wanted: bool) -> str:
        operators = node.operators if wanted else tuple(_OPPOSITE[operator] for operator in node.operators)
        last = len(node.operands) - 1
        operands = [
            self._operand(operand, twice=0 < number < last or "!=" in operators[max(0, number - 1) : number + 1])
            for number, operand in enumerate(node.operands)
        ]
        links = []
        for number, operator in enumerate(operators):
            left, right = node.operands[number : number + 2]
            if kind_of(left) is Kind.TEXT:
                links.append(_text_link(left, operator, right))
            else:
                links.append(_number_link(operands[number], operator, operands[number + 1]))
        return "(" + (" and " if wanted else " or ").join(links) + ")"

    def _membership(self, node: Membership, wanted: bool) -> str:
        choices = "{" + ", ".join(map(repr, node.choices)) + "}"
        if kind_of(node.operand) is Kind.TEXT:
            text = _text(node.operand)
            if wanted or isinstance(node.operand, Text):
                return f"({text} {'in' if wanted else 'not in'} {choices})"
            return f"({text} is not None and {text} not in {choices})"
        operand = self._operand(node.operand, twice=not wanted)
        if wanted:
            return f"({operand.read()} in {choices})"
        return f"({operand.read()} == {operand.read()} not in {choices})"

    def _operand(self, node: Expression, *, twice: bool) -> _Operand:
        if kind_of(node) is Kind.TEXT:
            return _Operand(_text(node), self._temporaries, twice=False, is_plain=True)
        is_plain = isinstance(node, Name | Number | Flag)
        return _Operand(self._number(node), self._temporaries, twice=twice, is_plain=is_plain)

    def _number(self, node: Expression) -> str:
        match node:
            case Name():
                return _local(node)
            case Number() | Flag():
                return repr(float(node.value))
            case Negative():
                return f"(-{self._number(node.operand)})"
            case Arithmetic(operator="/" | "%"):
                return self._division(node)
            case Arithmetic():
                return f"({self._number(node.left)} {node.operator} {self._number(node.right)})"
            case _:
                raise AssertionError(f"not a number: {node}")  # the parser lets none pass

    def _division(self, node: Arithmetic) -> str:
        if isinstance(node.right, Number):
            return f"({self._number(node.left)} {node.operator} {node.right.value!r})" if node.right.value else "nan"
        divisor = self._operand(node.right, twice=True)
        test = divisor.read()
        return f"({self._number(node.left)} {node.operator} {divisor.read()} if {test} else nan)"


def _number_link(left: _Operand, operator: str, right: _Operand) -> str:
    if operator != "!=":
        return f"{left.read()} {operator} {right.read()}"
    return f"({left.read()} < {right.read()} or {left.read()} > {right.read()})"


def _text(node: Expression) -> str:
    return _local(node) if isinstance(node, Name) else repr(node.value)  # type: ignore[union-attr]  # Name or Text


def _text_link(left: Expression, operator: str, right: Expression) -> str:
    """None equals nothing but another None, which is unknown; in every other comparison both must be known."""
    unsure = [_text(node) for node in (left, right) if isinstance(node, Name)]
    if operator == "==" and len(unsure) < 2:
        unsure = []
    guards = "".join(f"{text} is not None and " for text in unsure)
    return f"({guards}{_text(left)} {operator} {_text(right)})"
