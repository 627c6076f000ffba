"""Files that appear all together when everything has gone well, or not at all."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import BinaryIO

PARTIAL = ".partial"


class OutputFiles:
    """Opens files under a name of their own and renames them at `publish`; leaving removes what isn't published."""

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
        """A new file that will be `path`, replacing what is there."""
        file = _partial(path).open("wb")
        self._open[path] = file
        return file

    def publish(self, *paths: Path) -> tuple[Path, ...]:
        """Renames the given files (all of them, if none is given) to their final names, which it returns."""
        chosen = paths or tuple(self._open)
        for path in chosen:
            self._open[path].close()
        for path in chosen:
            _partial(path).replace(path)
            del self._open[path]
        return chosen


def _partial(path: Path) -> Path:
    return path.with_name(path.name + PARTIAL)
