"""The block list: users, cards, devices, merchants and IP addresses, with reason and expiry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from udfs.records.profiles import BlockEntry, BlockType


class BlockList:
    """Entries by party. An entry is in force at event time t if t < expires_at; the core decides that. Not thread-safe."""

    def __init__(self, entries: Iterable[BlockEntry] = ()) -> None:
        self._entries: dict[tuple[str, str], list[BlockEntry]] = {}
        for entry in entries:
            self._entries.setdefault((entry.type, entry.value), []).append(entry)

    def entries(self) -> Iterator[BlockEntry]:
        """All entries, in force or expired, in the order in which they were added."""
        for entries in self._entries.values():
            yield from entries

    def put(self, entry: BlockEntry) -> None:
        """Replace all entries of the party by this one."""
        self._entries[entry.type, entry.value] = [entry]

    def remove(self, kind: BlockType, value: str) -> None:
        """Remove all entries of the party, if there are any."""
        self._entries.pop((kind, value), None)

    def put_back(self, kind: BlockType, value: str, entries: Sequence[BlockEntry]) -> None:
        """Replace all entries of the party by these, in force or expired."""
        self.remove(kind, value)
        for entry in entries:
            self._entries.setdefault((kind, value), []).append(entry)

    def contains(self, kind: BlockType, value: str) -> bool:
        """Whether there are entries of the party, in force or expired."""
        return (kind, value) in self._entries

    def entries_of(self, kind: BlockType, value: str) -> tuple[BlockEntry, ...]:
        """The entries of one party, in force or expired."""
        return tuple(self._entries.get((kind, value), ()))
