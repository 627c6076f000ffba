"""Output files that are published together: all on success, none on failure."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import BinaryIO

PARTIAL = ".partial"


class OutputFiles:
    """Writes files as `NAME.partial` and renames them in `publish`; leaving the context deletes unpublished files."""

    def __init__(self) -> None:
        self._open: dict[Path, BinaryIO] = {}

    def __enter__(self) -> OutputFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for path, file in self._open.items():
            file.close()
            _partial(path).unlink(missing_ok=True)

    def create(self, path: Path) -> BinaryIO:
        """Opens the partial file of `path` for writing; `publish` replaces an existing `path`."""
        file = _partial(path).open("wb")
        self._open[path] = file
        return file

    def publish(self, *paths: Path) -> tuple[Path, ...]:
        """Closes the given files (default: all), renames them to their final paths and returns these."""
        chosen = paths or tuple(self._open)
        for path in chosen:
            self._open[path].close()
        for path in chosen:
            _partial(path).replace(path)
            del self._open[path]
        return chosen


def _partial(path: Path) -> Path:
    return path.with_name(path.name + PARTIAL)
