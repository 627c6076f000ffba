"""Control channel on a file or a directory of files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from jobs.control.channel import ChannelError, Published, decoded
from udfs.control.elements import ControlElement, encode_control


class FileChannel:
    """A JSON Lines file that is appended to, or a directory that gets one file per element, created atomically."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Published]:
        return [decoded(location, line) for location, line in self._lines()]

    def publish(self, element: ControlElement) -> str:
        line = encode_control(element) + b"\n"
        try:
            if self._path.is_dir():
                return self._add_file(element, line)
            with self._path.open("ab") as file:
                file.write(line)
        except OSError as error:
            raise ChannelError(f"{self._path}: cannot be written: {error.strerror}") from None
        return str(self._path)

    def _add_file(self, element: ControlElement, line: bytes) -> str:
        """Create the file by a hard link: atomic, and it fails if a file of the same key and version exists."""
        name = f"{element.key.replace('/', '-').replace(':', '-')}-{element.version:06d}.json"
        if len(name) > 200 or not name.isascii():
            name = f"{name.encode().hex()[:160]}-{element.version:06d}.json"
        hidden, final = self._path / f".{name}.{os.getpid()}", self._path / name.replace(os.sep, "-")
        hidden.write_bytes(line)
        try:
            os.link(hidden, final)
        except FileExistsError:
            raise ChannelError(
                f"{final} already exists: this version was published concurrently; publish again"
            ) from None
        finally:
            hidden.unlink()
        return str(final)

    def _lines(self) -> Iterator[tuple[str, bytes]]:
        try:
            files = [self._path]
            if self._path.is_dir():
                found = [
                    path for path in self._path.iterdir() if not path.name.startswith((".", "_")) and path.is_file()
                ]
                files = sorted(found, key=lambda path: (path.stat().st_mtime_ns, path.name))
            for path in files:
                for number, line in enumerate(path.read_bytes().splitlines(), start=1):
                    yield f"{path}, line {number}", line
        except OSError as error:
            raise ChannelError(f"{self._path}: cannot be read: {error.strerror}") from None
