"""The conditions of rules that hit, part by part, with the values that they were given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from udfs.rules.errors import RuleError
from udfs.rules.expression_text import text_of
from udfs.rules.expressions import AllOf, Name, names_in, parse_condition


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
        found.append(Part(text_of(part), [Given(name.name, _value(name, features, event)) for name in names]))
    return found


def _value(
    name: Name, features: Mapping[str, float | None], event: Mapping[str, Any] | None
) -> float | str | bool | None:
    if name.source == "features":
        return features.get(name.field)
    if name.source == "event" and event is not None:
        value: float | str | bool | None = event.get(name.field)
        return value
    return None
