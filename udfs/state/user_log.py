"""Port to one user's keyed state: a snapshot, and a log of the entries after it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol


class UserLog(Protocol):
    """State of the current key; the caller sets the key before each call. Called from the operator's thread only.

    Calls may block on the state backend. Reads return the effect of all earlier writes of the key.
    """

    def snapshot(self) -> bytes | None:
        """The last snapshot saved for the key; None without one."""
        ...

    def entries(self) -> Iterable[bytes]:
        """The entries in the order in which they were appended."""
        ...

    def append(self, entry: bytes) -> None:
        """Add an entry at the end."""
        ...

    def save_snapshot(self, data: bytes) -> None:
        """Replace the snapshot; the entries stay."""
        ...

    def replace(self, entries: list[bytes]) -> None:
        """Replace all entries; the snapshot stays."""
        ...

    def clear(self) -> None:
        """Remove snapshot and entries."""
        ...


class MovableUserLog(UserLog, Protocol):
    """A log of many users that can go back to one of them."""

    def position(self) -> Any:
        """That of the current key."""
        ...

    def go_to(self, position: Any) -> None:
        """All other calls are about this position's user from now on."""
        ...


class MemoryUserLogs:
    """UserLog of many users in memory, for runs without Flink. `set_current_key` comes before each call."""

    def __init__(self) -> None:
        self.key = ""
        self._snapshots: dict[str, bytes] = {}
        self._entries: dict[str, list[bytes]] = {}

    def set_current_key(self, user_id: str) -> None:
        """All other calls are about this user from now on."""
        self.key = user_id

    def position(self) -> str:
        return self.key

    def go_to(self, position: str) -> None:
        self.key = position

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

    def clear(self) -> None:
        self._snapshots.pop(self.key, None)
        self._entries.pop(self.key, None)
