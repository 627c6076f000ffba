"""Control channel on a file or a directory of files."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from jobs.control.channel import ChannelError, Published, decoded, next_link
from udfs.control.authority import Authority
from udfs.control.elements import ControlElement, encode_control
from udfs.control.envelope import Link, encode_link

CHAINED = "publication-"


class FileChannel:
    """A JSON Lines file that is appended to, or a directory that gets one file per element, created atomically."""

    def __init__(self, path: Path, authority: Authority | None = None) -> None:
        """`authority`: what it refuses has a fault."""
        self._path = path
        self._authority = authority

    def read(self) -> list[Published]:
        return [decoded(location, line, at_ms, self._authority) for location, line, at_ms in self._lines()]

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

    def append(self, link: Link) -> str:
        try:
            if self._path.is_dir():
                while True:
                    placed = next_link(link, self.read())
                    name = f"{CHAINED}{placed.number:09d}.json"
                    if self._is_added(name, encode_link(placed) + b"\n"):
                        return str(self._path / name)
            with self._path.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.write(encode_link(next_link(link, self.read())) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ChannelError(f"{self._path}: cannot be written: {error.strerror}") from None
        return str(self._path)

    def _add_file(self, element: ControlElement, line: bytes) -> str:
        name = f"{element.key.replace('/', '-').replace(':', '-')}-{element.version:06d}.json"
        if len(name) > 200 or not name.isascii():
            name = f"{name.encode().hex()[:160]}-{element.version:06d}.json"
        name = name.replace(os.sep, "-")
        if not self._is_added(name, line):
            raise ChannelError(
                f"{self._path / name} already exists: this version was published concurrently; publish again"
            )
        return str(self._path / name)

    def _is_added(self, name: str, line: bytes) -> bool:
        """Create the file by a hard link: atomic, and it is not done if a file of this name exists."""
        hidden = self._path / f".{name}.{os.getpid()}"
        hidden.write_bytes(line)
        try:
            os.link(hidden, self._path / name)
        except FileExistsError:
            return False
        finally:
            hidden.unlink()
        return True

    def _lines(self) -> Iterator[tuple[str, bytes, int | None]]:
        """Location, bytes and time of each record. Published files of a directory are in the order of their numbers, after
        all others, which are in the order of their times."""
        try:
            files = [self._path]
            if self._path.is_dir():
                found = [
                    path for path in self._path.iterdir() if not path.name.startswith((".", "_")) and path.is_file()
                ]
                files = sorted(found, key=_order)
            for path in files:
                time_ms = path.stat().st_mtime_ns // 1_000_000 if path != self._path else None
                for number, line in enumerate(path.read_bytes().splitlines(), start=1):
                    yield f"{path}, line {number}", line, time_ms
        except OSError as error:
            raise ChannelError(f"{self._path}: cannot be read: {error.strerror}") from None


def _order(path: Path) -> tuple[bool, int, str]:
    is_chained = path.name.startswith(CHAINED)
    return is_chained, 0 if is_chained else path.stat().st_mtime_ns, path.name
