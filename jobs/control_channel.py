"""The control stream from the publisher's side: read what was published, and add to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

from jobs.config import FileControl, NoControl
from jobs.kafka_settings import KafkaControl
from udfs.control import ControlElement, ControlError, decode_control, encode_control


class ChannelError(ValueError):
    """The control stream cannot be read or written; one line that says what to change."""


class Published(NamedTuple):
    """One record of the control stream: where it is, and the element, or why it is none."""

    place: str
    element: ControlElement | None
    fault: str | None


class ControlChannel(Protocol):
    """Where a job's control elements are published. Both methods raise ChannelError."""

    def read(self) -> list[Published]:
        """All that was published, oldest first."""
        ...

    def publish(self, element: ControlElement) -> str:
        """Add an element; returns where it went. It is there for good when this returns."""
        ...


class FileChannel:
    """A file, or a directory whose files appear at once and are never changed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Published]:
        return [decoded(place, line) for place, line in self._lines()]

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
        """A linked file is there whole or not at all; the one name of a version is taken once."""
        name = f"{element.key.replace('/', '-').replace(':', '-')}-{element.version:06d}.json"
        if len(name) > 200 or not name.isascii():
            name = f"{name.encode().hex()[:160]}-{element.version:06d}.json"
        hidden, final = self._path / f".{name}.{os.getpid()}", self._path / name.replace(os.sep, "-")
        hidden.write_bytes(line)
        try:
            os.link(hidden, final)
        except FileExistsError:
            raise ChannelError(f"{final} is there already: somebody published this version; publish again") from None
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


def open_channel(control: FileControl | KafkaControl | NoControl) -> ControlChannel:
    """The channel of a job's configuration. Raises ChannelError for a job without one."""
    if isinstance(control, FileControl):
        return FileChannel(Path(control.path))
    if isinstance(control, KafkaControl):
        from jobs.kafka_control import KafkaChannel

        return KafkaChannel(control)
    raise ChannelError("the job has no control stream (control.kind is none): nothing can be changed while it runs")


def newest(published: list[Published]) -> dict[str, Published]:
    """Of each key the record that is in force: the first one with the highest version, as the job takes them."""
    found: dict[str, Published] = {}
    for record in published:
        if record.element is None:
            continue
        before = found.get(record.element.key)
        if before is None or before.element is None or record.element.version > before.element.version:
            found[record.element.key] = record
    return found


def decoded(place: str, payload: bytes) -> Published:
    """A record as it was read."""
    try:
        return Published(place, decode_control(payload), None)
    except ControlError as error:
        return Published(place, None, str(error))
