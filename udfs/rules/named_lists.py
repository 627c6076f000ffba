"""Named lists that conditions refer to as `@name`: values of one type, each with owner, reason, expiry and source alert."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal, get_args

import msgspec

from udfs.core import _native
from udfs.records.codec import MAX_TIMESTAMP_MS
from udfs.rules.errors import one_line

MAX_LISTS = 100
MAX_ENTRIES = 10_000
MAX_ALL_ENTRIES = 200_000
MAX_TEXT_BYTES = 256
MAX_DESCRIPTION_BYTES = 1_000
MAX_NAME_LENGTH = 64
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

ListType = Literal[
    "country", "city", "category", "merchant", "user", "card", "device", "beneficiary", "ip", "email_domain", "channel",
    "entry_mode", "currency", "text",
]  # fmt: skip
LIST_TYPES: tuple[ListType, ...] = get_args(ListType)
FIELDS_OF_TYPE: Mapping[str, tuple[str, ...]] = {kind: tuple(fields) for kind, fields in _native.LIST_TYPES}
"""The fields of a transaction that a type is for; none for any text."""


class ListError(ValueError):
    """A list is invalid; the message is one line with its name and the cause."""


class ListEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One value. It is on the list at event time t if t < `expires_at` (epoch milliseconds; None: always).

    `owner`: who answers for it. `source_alert`: id of the alert or decision that it comes from.
    """

    value: str
    owner: str | None = None
    reason: str | None = None
    expires_at: int | None = None
    source_alert: str | None = None


class NamedList(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One version of a list. Its values are of one type, and spelled as in decoded events."""

    name: str
    type: ListType
    version: int
    entries: tuple[ListEntry, ...] = ()
    description: str = ""

    def compile(self) -> CompiledList:
        """The list as rules ask it."""
        pairs = [(entry.value, entry.expires_at) for entry in self.entries]
        return CompiledList(self, _native.NamedList(self.name, self.type, self.version, pairs))


class CompiledList(msgspec.Struct, frozen=True):
    """A list with its form in the core."""

    named_list: NamedList
    core: _native.NamedList


Lists = Mapping[str, CompiledList]
"""Lists by name."""
NO_LISTS: Lists = MappingProxyType({})


def compiled(lists: Lists) -> list[_native.NamedList]:
    """What the core takes."""
    return [known.core for known in lists.values()]


def lists_by_name(named_lists: Iterable[NamedList]) -> dict[str, CompiledList]:
    """Compile checked lists. Raises ListError for two of one name, or too many."""
    found: dict[str, CompiledList] = {}
    for named_list in named_lists:
        if named_list.name in found:
            raise ListError(f"list {named_list.name} is defined twice")
        found[named_list.name] = named_list.compile()
    check_room(found)
    return found


def check_room(lists: Lists) -> None:
    """Raise ListError for more lists or entries than are kept in memory."""
    if len(lists) > MAX_LISTS:
        raise ListError(f"{len(lists)} lists, at most {MAX_LISTS} are allowed")
    entries = sum(len(known.named_list.entries) for known in lists.values())
    if entries > MAX_ALL_ENTRIES:
        raise ListError(f"{entries} entries in all lists together, at most {MAX_ALL_ENTRIES} are allowed")


def spelled(named_list: NamedList) -> NamedList:
    """The list with its values as decoded events have them (USA is US), sorted; of equal values the last entry counts."""
    entries = {
        value: msgspec.structs.replace(entry, value=value)
        for entry in named_list.entries
        for value in [_native.list_value(named_list.type, entry.value)]
    }
    return msgspec.structs.replace(named_list, entries=tuple(entries[value] for value in sorted(entries)))


def check_list(named_list: NamedList) -> None:
    """Raise ListError unless name, number of entries and texts are valid."""
    check_list_name(named_list.name)
    count = len(named_list.entries)
    if count > MAX_ENTRIES:
        raise ListError(f"list {named_list.name}: {count} entries, at most {MAX_ENTRIES} are allowed")
    _check_text(named_list, "description", named_list.description, MAX_DESCRIPTION_BYTES)
    seen: set[str] = set()
    for entry in named_list.entries:
        if not entry.value.strip():
            raise ListError(f"list {named_list.name}: an entry has no value")
        for name in ("value", "owner", "reason", "source_alert"):
            _check_text(named_list, name, getattr(entry, name) or "", MAX_TEXT_BYTES)
        if entry.expires_at is not None and not 0 <= entry.expires_at <= MAX_TIMESTAMP_MS:
            raise ListError(f"list {named_list.name}: expires_at {entry.expires_at} is no time in epoch milliseconds")
        value = _native.list_value(named_list.type, entry.value)
        if value in seen:
            raise ListError(f"list {named_list.name}: {one_line(value)!r} is given twice")
        seen.add(value)


def check_list_name(name: str) -> None:
    """Raise ListError unless the name is a letter followed by letters, digits and _."""
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME_LENGTH:
        raise ListError(
            f"list {one_line(name)!r}: a name is a letter followed by letters, digits and _, at most {MAX_NAME_LENGTH}"
        )


def _check_text(named_list: NamedList, field: str, text: str, most: int) -> None:
    if not text.isprintable() or len(text.encode("utf-8", "replace")) > most:
        raise ListError(
            f"list {named_list.name}: {field} {one_line(text[:40])!r} must be one printable line of at most {most} bytes"
        )
