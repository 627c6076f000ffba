"""A named list with entries added, replaced or removed, and what that changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from udfs.rules.named_lists import LIST_TYPES, ListEntry, ListError, ListType, NamedList, check_list, spelled


class ListChange(NamedTuple):
    """`after`: the list as it would be, with the next version. Counts are of entries."""

    after: NamedList
    added: int
    changed: int
    removed: int

    @property
    def in_words(self) -> str:
        after = self.after
        return (
            f"list {after.name}: {self.added} added, {self.changed} changed, {self.removed} removed, "
            f"{len(after.entries)} entries of type {after.type}"
        )


def with_entries(
    before: NamedList | None, name: str, given: str | None, entries: Sequence[ListEntry], replace: bool = False
) -> ListChange:
    """The list with the entries added, or in place of all others; a list that does not exist is made, of type `given`.

    Raises ListError.
    """
    kind = list_type(given) if given is not None else before.type if before is not None else None
    if before is not None and kind != before.type and not replace:
        raise ListError(f"list {name} is of type {before.type}, not {kind}")
    if kind is None:
        raise ListError(f"there is no list {name}: give its type to create it")
    version = 1 if before is None else before.version + 1
    added = NamedList(name, kind, version, tuple(entries), "" if before is None else before.description)
    check_list(added)
    added = spelled(added)
    old = {} if before is None else {entry.value: entry for entry in before.entries}
    new = {entry.value: entry for entry in added.entries}
    after = msgspec.structs.replace(added, entries=tuple((new if replace else {**old, **new}).values()))
    check_list(after)
    return ListChange(
        spelled(after),
        added=len(new.keys() - old.keys()),
        changed=sum(value in old and old[value] != entry for value, entry in new.items()),
        removed=len(old.keys() - new.keys()) if replace else 0,
    )


def without_values(before: NamedList, values: Iterable[str]) -> ListChange:
    """The list without the entries of these values. Raises ListError for values that it does not have."""
    gone = {
        entry.value for entry in spelled(NamedList(before.name, before.type, 1, tuple(map(ListEntry, values)))).entries
    }
    missing = gone - {entry.value for entry in before.entries}
    if missing:
        raise ListError(f"list {before.name} does not have {', '.join(sorted(missing))}")
    kept = tuple(entry for entry in before.entries if entry.value not in gone)
    after = msgspec.structs.replace(before, version=before.version + 1, entries=kept)
    return ListChange(after, added=0, changed=0, removed=len(gone))


def list_type(name: str) -> ListType:
    """Raises ListError for a type that there is not."""
    for kind in LIST_TYPES:
        if kind == name:
            return kind
    raise ListError(f"type {name!r}: expected one of {', '.join(LIST_TYPES)}")
