"""Pins uids and names of all operators, including those of the SQL planner, so that savepoints stay restorable.

The planner's operator numbers depend on the whole program; the pinned uids consist of a role and the name without number.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from pyflink.datastream import StreamExecutionEnvironment

from jobs.flink_internals.graph import Node, nodes_of

_NUMBER = re.compile(r"\[\d+\]")
_NO_WORD = re.compile(r"[^a-z0-9]+")


def pin(nodes: list[Node], role: str) -> None:
    """Set uid and name, with prefix `role`, of these nodes and all upstream nodes that have no uid yet."""
    unpinned = [node for node in _upstream(nodes) if node.uid is None]
    taken: Counter[str] = Counter()
    for node in unpinned:
        plain = _NO_WORD.sub("-", _NUMBER.sub("", node.name).lower()).strip("-")
        taken[plain] += 1
        number = f"-{taken[plain]}" if taken[plain] > 1 else ""
        node.identify(f"{role}-{plain}{number}")


def first_of(node: Node) -> Node:
    """The first node of the chain that leads to a node, by first inputs."""
    while node.inputs:
        node = node.inputs[0]
    return node


def all_ids(environment: StreamExecutionEnvironment) -> dict[str, str]:
    """Names of all operators of an environment by uid. Raises LookupError if one has no uid."""
    found = {}
    for node in _upstream(nodes_of(environment)):
        if node.uid is None:
            raise LookupError(f"operator {node.name!r} has no uid")
        found[node.uid] = node.name
    return found


def _upstream(nodes: list[Node]) -> Iterator[Node]:
    """The given nodes and all their upstream nodes that become operators, each once."""
    seen: set[int] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop(0)
        if node.number in seen:
            continue
        seen.add(node.number)
        waiting += node.inputs
        if not node.is_virtual:
            yield node
