"""The JSON path of the user id in a source's records, such as $.card.owner, $['user id'] or $.parties[0].id."""

from __future__ import annotations

import re
from typing import Any

Step = str | int
_STEP = re.compile(r"\.([^.\[\]]+)|\['([^']+)'\]|\[(\d+)\]")


def steps_of(path: str) -> list[Step]:
    """Names of objects' keys and places in arrays, from the record inwards."""
    return [name or quoted or int(place) for name, quoted, place in _STEP.findall(path.removeprefix("$"))]


def value_at(record: Any, steps: list[Step]) -> Any:
    """What stands there; None where nothing does."""
    for step in steps:
        if isinstance(step, str):
            record = record.get(step) if isinstance(record, dict) else None
        else:
            record = record[step] if isinstance(record, list) and step < len(record) else None
    return record


def record_with(value: Any, steps: list[Step]) -> Any:
    """A record that has this value there, and nothing else."""
    for step in reversed(steps):
        value = {step: value} if isinstance(step, str) else [*[None] * step, value]
    return value
