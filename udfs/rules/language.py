"""The condition language: text to a typed tree.

    condition   = conjunction {"or" conjunction}
    conjunction = negation {"and" negation}
    negation    = "not" negation | comparison
    comparison  = sum [{("<" | "<=" | ">" | ">=" | "==" | "!=") sum} | ["not"] "in" "[" literal {"," literal} "]"]
    sum         = product {("+" | "-") product}
    product     = factor {("*" | "/" | "%") factor}
    factor      = "-" factor | number | text | name | "true" | "false" | "(" condition ")"

A parser of its own rather than Python's: what is not in this grammar can't be written, Python's parser never sees an
author's text (no look-alike letters, no stack to overflow), and errors carry the author's columns.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isinf

from udfs.rules.errors import RuleError
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
    depth_of,
    kind_of,
)  # fmt: skip
from udfs.rules.names import KEYWORDS, Kind, Name, Vocabulary, shown
from udfs.rules.tokens import Token, tokens_of

MAX_DEPTH = 30
_EQUALITY = ("==", "!=")
_COMPARISONS = ("<", "<=", ">", ">=", *_EQUALITY)


def parse_condition(text: str, vocabulary: Vocabulary) -> Expression:
    """The condition's tree. Raises RuleError, whatever the text."""
    try:
        return _Parser(tokens_of(text), vocabulary).whole()
    except RecursionError:
        raise RuleError("the condition is nested too deeply") from None


class _Parser:
    def __init__(self, tokens: list[Token], vocabulary: Vocabulary) -> None:
        self._tokens = tokens
        self._vocabulary = vocabulary
        self._next = 0
        self._depth = 0

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _at(self, *words: str) -> bool:
        return self._token.kind in ("symbol", "name") and self._token.value in words

    def _take(self) -> Token:
        token = self._token
        self._next += 1
        return token

    def _expect(self, symbol: str) -> None:
        if not self._at(symbol):
            raise self._unexpected(f"expected {symbol!r}")
        self._next += 1

    def _unexpected(self, wanted: str) -> RuleError:
        token = self._token
        if token.kind == "end":
            return RuleError(f"{wanted}, but the condition ends", token.position)
        return RuleError(f"{wanted}, not {shown(token.value)}", token.position)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RuleError(f"nested too deeply (at most {MAX_DEPTH} levels)", self._token.position)

    def whole(self) -> Expression:
        position = self._token.position
        condition = _as_condition(self._condition(), position)
        if self._token.kind != "end":
            raise self._unexpected("expected 'and', 'or' or the end")
        if depth_of(condition) > MAX_DEPTH:
            raise RuleError(f"nested too deeply, or a chain too long (at most {MAX_DEPTH} levels)", position)
        return condition

    def _condition(self) -> Expression:
        position = self._token.position
        first = self._conjunction()
        if not self._at("or"):
            return first
        operands = [_as_condition(first, position)]
        while self._at("or"):
            self._take()
            position = self._token.position
            operands.append(_as_condition(self._conjunction(), position))
        return AnyOf(tuple(operands))

    def _conjunction(self) -> Expression:
        position = self._token.position
        first = self._negation()
        if not self._at("and"):
            return first
        operands = [_as_condition(first, position)]
        while self._at("and"):
            self._take()
            position = self._token.position
            operands.append(_as_condition(self._negation(), position))
        return AllOf(tuple(operands))

    def _negation(self) -> Expression:
        if not self._at("not"):
            return self._comparison()
        self._take()
        self._deeper()
        position = self._token.position
        negated = Not(_as_condition(self._negation(), position))
        self._depth -= 1
        return negated

    def _comparison(self) -> Expression:
        position = self._token.position
        first = self._sum()
        if self._at("in", "not"):
            return self._membership(first, position)
        operands, operators = [first], []
        while self._at(*_COMPARISONS):
            operator = self._take()
            position = self._token.position
            operand = self._sum()
            _check_comparable(operands[-1], operator, operand)
            operands.append(operand)
            operators.append(operator.value)
        if not operators:
            return first
        if self._at("in", "not"):
            raise RuleError("'in' cannot be part of a chained comparison", self._token.position)
        return Comparison(tuple(operands), tuple(operators))

    def _membership(self, operand: Expression, position: int) -> Expression:
        negated = self._take().value == "not"
        if negated:
            self._expect("in")
        self._expect("[")
        kind = kind_of(operand)
        if kind not in (Kind.NUMBER, Kind.TEXT):
            raise RuleError(f"only a number or a text can be 'in' a list, not {kind.value}", position)
        choices = [self._choice(kind)]
        while self._at(","):
            self._take()
            choices.append(self._choice(kind))
        self._expect("]")
        membership = Membership(operand, tuple(choices))  # type: ignore[arg-type]  # all of one kind: _choice checks
        return Not(membership) if negated else membership

    def _choice(self, kind: Kind) -> float | str:
        sign = -1.0 if self._at("-") else 1.0
        if sign < 0:
            self._take()
        token = self._token
        if token.kind not in ("number", "text") or (token.kind == "text" and sign < 0):
            raise self._unexpected("expected a number or a quoted text in the list")
        if (token.kind == "text") != (kind is Kind.TEXT):
            raise RuleError(f"{shown(token.value)} is compared with {kind.value}", token.position, hint=_quoting(kind))
        self._take()
        return token.value if token.kind == "text" else sign * _number(token)

    def _sum(self) -> Expression:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> Expression:
        return self._chain(("*", "/", "%"), self._factor)

    def _chain(self, operators: tuple[str, ...], operand: Callable[[], Expression]) -> Expression:
        position = self._token.position
        left = operand()
        while self._at(*operators):
            operator = self._take().value
            right_position = self._token.position
            right = _as_number(operand(), operator, right_position)
            left = Arithmetic(operator, _as_number(left, operator, position), right)
        return left

    def _factor(self) -> Expression:
        token = self._token
        if token.kind == "number":
            return Number(_number(self._take()))
        if token.kind == "text":
            return Text(self._take().value)
        if self._at("true", "false"):
            return Flag(self._take().value == "true")
        if token.kind == "name" and token.value not in KEYWORDS:
            return self._vocabulary.lookup(self._take().value, token.position)
        if not self._at("-", "("):
            raise self._unexpected("expected a name, number or text")
        self._take()
        self._deeper()
        inner: Expression
        if token.value == "-":
            position = self._token.position
            inner = Negative(_as_number(self._factor(), "-", position))
        else:
            inner = self._condition()
            self._expect(")")
        self._depth -= 1
        return inner


def _number(token: Token) -> float:
    value = float(token.value)
    if isinf(value):
        raise RuleError(f"{shown(token.value)} is too large for a number", token.position)
    return value


def _as_number(node: Expression, operator: str, position: int) -> Expression:
    kind = kind_of(node)
    if kind is not Kind.NUMBER:
        raise RuleError(f"{operator!r} needs a number, not {kind.value}", position)
    return node


def _as_condition(node: Expression, position: int) -> Expression:
    if kind_of(node) is Kind.TEXT:
        raise RuleError("a text is not a condition", position, hint="compare it with == or in [...]")
    return node


def _check_comparable(left: Expression, operator: Token, right: Expression) -> None:
    kinds = {kind_of(left), kind_of(right)}
    if Kind.CONDITION in kinds:
        raise RuleError(
            f"a condition cannot be compared with {operator.value}", operator.position, hint="combine with and, or, not"
        )
    if Kind.TEXT in kinds and kinds != {Kind.TEXT}:
        other = (kinds - {Kind.TEXT}).pop()
        raise RuleError(f"a text is compared with {other.value}", operator.position, hint=_text_hint(left, right))
    if Kind.FLAG in kinds and operator.value not in _EQUALITY:
        raise RuleError(f"true and false have no order: {operator.value}", operator.position, hint="use == or !=")


def _text_hint(left: Expression, right: Expression) -> str | None:
    for node, other in ((left, right), (right, left)):
        if isinstance(node, Name) and node.kind is Kind.TEXT and isinstance(other, Number):
            return f'{node.name} is a text: write "{other.value:.15g}"'
    return None


def _quoting(kind: Kind) -> str:
    return "put it in quotes" if kind is Kind.TEXT else "write it without quotes"
