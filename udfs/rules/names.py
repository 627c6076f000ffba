"""Names that rules can use: features, event fields and population statistics. The core knows them all."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Literal, cast

import msgspec

from udfs.core import _native

POPULATION_NAMES: tuple[str, ...] = tuple(_native.POPULATION_NAMES)
Source = Literal["features", "event", "population", "facts", "change"]


class Kind(Enum):
    """Type of an expression; the value is its name in error messages."""

    NUMBER = "a number"
    TEXT = "a text"
    FLAG = "true or false"
    CONDITION = "a condition"


class Name(msgspec.Struct, frozen=True):
    """One name: its type and the source of its value. `field` is a feature, a population figure, a fact
    or a transaction's field."""

    name: str
    kind: Kind
    source: Source
    field: str


class Function(msgspec.Struct, frozen=True):
    """A function of the condition language: how it is written, the type of its value in words, and what it means."""

    name: str
    form: str
    gives: str
    meaning: str


FUNCTIONS: tuple[Function, ...] = tuple(Function(*row) for row in _native.RULE_FUNCTIONS)


def names_for(feature_names: Sequence[str]) -> list[Name]:
    """All names that rules over these features can use, in alphabetical order.

    Raises RuleError for a feature with the name of an event field, a population figure or a keyword.
    """
    known = _native.rule_names(list(feature_names))
    return [Name(name, Kind(kind), cast(Source, source), field) for name, kind, source, field in known]
