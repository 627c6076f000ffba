"""How a source's element becomes a record: its bytes, when it arrived, and where it came from."""

from __future__ import annotations

from typing import Any, Protocol

from udfs.outputs import Origin


class RecordReader(Protocol):
    """One implementation a kind of source, since their elements differ. Picklable: it travels to the operator."""

    def read(self, element: Any) -> tuple[bytes | None, int | None, Origin]:
        """Payload (None for a tombstone), arrival in epoch milliseconds where it is known, and origin."""
        ...


class FileRecordReader:
    """A file's element is the line itself. Files tell neither when a line arrived nor, when restored, its number."""

    def __init__(self, path: str) -> None:
        self._origin = Origin(path)

    def read(self, element: bytes) -> tuple[bytes | None, int | None, Origin]:
        return element, None, self._origin
