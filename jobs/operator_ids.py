"""Names and uids of all operators, the planner's included, so that a later version restores an earlier one's state.

The planner numbers its operators by what else is in the program; here each gets a uid of its role and its plain name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

_VIRTUAL = frozenset({"PartitionTransformation", "SideOutputTransformation", "UnionTransformation"})
_NUMBER = re.compile(r"\[\d+\]")
_NO_WORD = re.compile(r"[^a-z0-9]+")


def pin(transformations: list[Any], role: str) -> None:
    """Give these Java transformations and all before them, as far as they have none, a uid and name under `role`."""
    unpinned = [node for node in _upstream(transformations) if node.getUid() is None]
    taken: Counter[str] = Counter()
    for node in unpinned:
        plain = _NO_WORD.sub("-", _NUMBER.sub("", node.getName()).lower()).strip("-")
        taken[plain] += 1
        number = f"-{taken[plain]}" if taken[plain] > 1 else ""
        pin_one(node, f"{role}-{plain}{number}")


def pin_one(transformation: Any, uid: str) -> None:
    """Set uid and name alike: metrics and the web page show the name."""
    transformation.setUid(uid)
    transformation.setName(uid)


def first_of(transformation: Any) -> Any:
    """The source of a chain of Java transformations of one input each."""
    while not transformation.getInputs().isEmpty():
        transformation = transformation.getInputs().get(0)
    return transformation


def all_ids(environment: Any) -> dict[str, str]:
    """uid -> name of every operator of a Java execution environment; raises LookupError if one has no uid."""
    found = {}
    for node in _upstream(list(environment.getTransformations())):
        if node.getUid() is None:
            raise LookupError(f"operator {node.getName()!r} has no uid")
        found[node.getUid()] = node.getName()
    return found


def _upstream(transformations: list[Any]) -> Iterator[Any]:
    """The transformations that make operators, from the given ones back to the sources, each once."""
    seen: set[int] = set()
    waiting = list(transformations)
    while waiting:
        node = waiting.pop(0)
        if node.getId() in seen:
            continue
        seen.add(node.getId())
        waiting += list(node.getInputs())
        if node.getClass().getSimpleName() not in _VIRTUAL:
            yield node
