"""A rule's condition part by part: what each says of one transaction, and the values that it reads.

The core evaluates every part, as it evaluates the whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import isnan

import msgspec

from udfs.core import _native
from udfs.records.events import Transaction
from udfs.rules.errors import RuleError
from udfs.rules.expression_text import text_of
from udfs.rules.expressions import AllOf, AnyOf, Expression, Name, Window, names_in, parse_condition, windows_in
from udfs.rules.named_lists import NO_LISTS, Lists, compiled

Value = float | str | bool | None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a condition. `truth`: None where it is unknown. `values`: by name, what it reads; None is not known.
    `depth`: 0 for parts of the whole, more for parts of parts."""

    text: str
    truth: bool | None
    values: dict[str, Value]
    depth: int


class Inputs(msgspec.Struct, frozen=True):
    """What conditions read of one transaction: its features in input order, its event, the population's figures, among
    these by their names (`count(last 7 days)`) the windows of the rules, and the named lists."""

    names: tuple[str, ...]
    features: Sequence[float]
    event: Transaction
    population: Mapping[str, float]
    lists: Lists = NO_LISTS

    def truth_of(self, text: str) -> bool | None:
        """What the core says of a condition. Raises RuleError."""
        return _native.condition_truth(
            text, list(self.names), list(self.features), self.event, dict(self.population), compiled(self.lists)
        )

    def value_of(self, name: Name | Window) -> Value:
        """None where the value is not known."""
        if isinstance(name, Window):
            value: Value = self.population.get(name.name)
        elif name.source == "features":
            value = self.features[self.names.index(name.field)]
        elif name.source == "event":
            value = getattr(self.event, name.field, None)
        else:
            value = self.population.get(name.field)
        return None if isinstance(value, float) and isnan(value) else value


def parts_of(condition: str, inputs: Inputs) -> list[Part]:
    """The parts that are joined by `and`, `or` and `not`, outer ones first; the whole if it has none. Raises RuleError."""
    tree = parse_condition(condition, inputs.names, inputs.lists)
    try:
        return list(_parts(tree, inputs, 0))
    except (TypeError, RuleError):  # a kind of expression that is not written out here: told as a whole
        return [_part(condition, tree, inputs, 0)]


def _parts(node: Expression, inputs: Inputs, depth: int) -> Iterator[Part]:
    if isinstance(node, AllOf | AnyOf):
        if depth:
            yield _part(text_of(node), node, inputs, depth - 1)
        for operand in node.operands:
            if isinstance(operand, AllOf | AnyOf):
                yield from _parts(operand, inputs, depth + 1)
            else:
                yield _part(text_of(operand), operand, inputs, depth)
    else:
        yield _part(text_of(node), node, inputs, depth)


def _part(text: str, node: Expression, inputs: Inputs, depth: int) -> Part:
    read: set[Name | Window] = {*names_in(node), *windows_in(node)}
    names = sorted(read, key=lambda name: text.find(name.name))
    values = {name.name: inputs.value_of(name) for name in names}
    return Part(text=text, truth=inputs.truth_of(text), values=values, depth=depth)
