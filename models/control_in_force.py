"""The control elements that a recorded decision names, put in force before its replay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import msgspec

from udfs.control.elements import BLOCK_LIST, LIST, ControlElement
from udfs.control.live_control import LiveControl
from udfs.records.outputs import Decision
from udfs.rules.list_files import lists_of
from udfs.rules.pack_files import rulebook_of
from udfs.scoring.scorer import Scorer
from udfs.scoring.settings import ScorerPaths


class NamedElements(NamedTuple):
    """`lacking`: kinds that the decision names, and of which nothing was published with its version."""

    elements: list[ControlElement]
    lacking: set[str]


def named_by(recorded: Decision, paths: ScorerPaths) -> dict[str, int]:
    """The versions of published elements that a decision names, those of lists among them, by key or kind.

    Raises ListFileError for lists at the start that cannot be read.
    """
    used = {} if recorded.rules.lists is msgspec.UNSET else recorded.rules.lists
    start = lists_of(paths.lists)
    lists = {
        f"{LIST}/{name}": version
        for name, version in used.items()
        if name not in start or start[name].named_list.version != version
    }
    return recorded.control_versions | lists


def named_elements(published: Iterable[ControlElement | None], named: Mapping[str, int]) -> NamedElements:
    """Of what was published, the oldest first, of each kind the one that a decision names, of the block list all up to it"""
    found: list[ControlElement] = []
    for element in published:
        if element is None:
            continue
        kind = element.key.partition("/")[0]
        version = named.get(element.key, named.get(kind, 0))
        if element.version == version or (kind == BLOCK_LIST and element.version <= version):
            found.append(element)
    known = {name for element in found for name in (element.key, element.key.partition("/")[0])}
    return NamedElements(found, named.keys() - known)


def put_in_force(elements: Iterable[ControlElement], rules: str | None = None) -> Callable[[Scorer], None]:
    """What `rederive` takes to put them in force. `rules`: a pack or file in place of those in force, with their lists."""

    def prepare(scorer: Scorer) -> None:
        control = LiveControl(scorer)
        for element in sorted(elements, key=lambda element: not element.key.startswith(f"{LIST}/")):
            control.apply(element, is_new=False)
        control.settle()
        if rules is not None:
            scorer.use_rules(rulebook_of(rules, scorer.engine.features.names, scorer.rulebook.lists))

    return prepare
