"""Paths into nested values: `$.a.b`, `$.items[0].score`, `$.items[*].score`, or a list of steps."""

from __future__ import annotations

import re

from ingest.errors import MappingError, UnreadableValue

EVERY = "*"
Step = str | int
Path = tuple[Step, ...]

_STEP = re.compile(r"\.([^.\[\]]+)|\[([0-9]+|\*)\]")
PATH_HELP = "a path as $.a.b, $.a[0] or $.a[*].b, or a list of steps"


def parse_path(path: str | list[str | int]) -> Path:
    """Parses a path to its steps; `*` stands for every element of a list. Raises MappingError for an invalid path."""
    if isinstance(path, list):
        return tuple(path)
    if not path.startswith("$"):
        raise MappingError(f"{path!r} is not {PATH_HELP}")
    steps: list[Step] = []
    position = 1
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            raise MappingError(f"{path!r} is not {PATH_HELP}")
        name, index = match.groups()
        steps.append(name if name is not None else EVERY if index == EVERY else int(index))
        position = match.end()
    return tuple(steps)


def follow(value: object, path: Path) -> object:
    """The value at the path; None where a key or element is absent.

    Raises UnreadableValue where a step needs an object or a list and finds another type.
    """
    for position, step in enumerate(path):
        if value is None:
            return None
        if step == EVERY:
            return [follow(element, path[position + 1 :]) for element in _list(value, step)]
        if isinstance(step, int):
            elements = _list(value, step)
            value = elements[step] if step < len(elements) else None
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            raise UnreadableValue(f"an object with the key {step!r}")
    return value


def _list(value: object, step: Step) -> list[object]:
    if isinstance(value, list):
        return value
    raise UnreadableValue(f"a list (for the step [{step}])")


_KEY_PATH = re.compile(r"\$(?:\.[A-Za-z_][A-Za-z0-9_]*|\[[0-9]{1,4}\])+")


def check_key_path(key_path: str) -> None:
    """Raises MappingError unless the path has plain names only: it is inserted into the SQL of the Flink source."""
    if not _KEY_PATH.fullmatch(key_path):
        raise MappingError(
            f"key_path: {key_path!r} is not allowed; allowed: a path of plain names, as $.user_id or $.card.owner"
        )
