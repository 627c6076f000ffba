"""Discovers fraud patterns: every file of simulator/patterns defines one, without registration."""

from __future__ import annotations

import importlib
import inspect
import pkgutil

from simulator import patterns
from simulator.config import SimulatorConfigError
from simulator.fraud_pattern import FraudPattern


class PatternFileError(TypeError):
    """A file in simulator/patterns does not define exactly one pattern with the file's name."""


def discover() -> dict[str, FraudPattern]:
    """All patterns by name, in alphabetical order. Raises PatternFileError for an invalid file."""
    names = sorted(module.name for module in pkgutil.iter_modules(patterns.__path__))
    return {name: _load(name) for name in names}


def select(names: tuple[str, ...] | None) -> dict[str, FraudPattern]:
    """The named patterns, None for all. Raises SimulatorConfigError for an unknown name."""
    known = discover()
    if names is None:
        return known
    for name in names:
        if name not in known:
            raise SimulatorConfigError(f"patterns: {name!r} is not one of {', '.join(known)}")
    return {name: pattern for name, pattern in known.items() if name in names}


def _load(name: str) -> FraudPattern:
    module = importlib.import_module(f"{patterns.__name__}.{name}")
    found = [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, FraudPattern) and member.__module__ == module.__name__
    ]
    if len(found) != 1 or found[0].name != name:
        raise PatternFileError(f"simulator/patterns/{name}.py must define one FraudPattern with name = {name!r}")
    pattern: FraudPattern = found[0]()
    return pattern
