"""The port to one user's keyed state: a snapshot, and an append-only log of what came after it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol


class UserLog(Protocol):
    """State of the current key. Entries come back in the order in which they were appended."""

    def snapshot(self) -> bytes | None: ...

    def entries(self) -> Iterable[bytes]: ...

    def append(self, entry: bytes) -> None: ...

    def save_snapshot(self, data: bytes) -> None: ...

    def replace(self, entries: list[bytes]) -> None: ...


class MemoryUserLogs:
    """All users' state in memory: the embedded twin of Flink's keyed state. Set `key` before each use."""

    def __init__(self) -> None:
        self.key = ""
        self._snapshots: dict[str, bytes] = {}
        self._entries: dict[str, list[bytes]] = {}

    def snapshot(self) -> bytes | None:
        return self._snapshots.get(self.key)

    def entries(self) -> Iterable[bytes]:
        return tuple(self._entries.get(self.key, ()))

    def append(self, entry: bytes) -> None:
        entries = self._entries.get(self.key)
        if entries is None:
            self._entries[self.key] = [entry]
        else:
            entries.append(entry)

    def save_snapshot(self, data: bytes) -> None:
        self._snapshots[self.key] = data

    def replace(self, entries: list[bytes]) -> None:
        self._entries[self.key] = list(entries)
