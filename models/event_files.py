"""Reads files of events in order of arrival, with progress reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from udfs.records.admission import Admission
from udfs.records.admission_settings import AdmissionSettings
from udfs.records.codec import BadRecord
from udfs.records.events import Event

Progress = Callable[[int, int], None]
"""Called periodically with the bytes read so far and the total."""
Showing = Callable[[str], AbstractContextManager[Progress]]
"""Context manager that shows a step, given its text, while the block runs."""

REPORT_EVERY_LINES = 20_000


class EventFileError(ValueError):
    """The file of events cannot be read; the message gives the cause."""


def no_progress(done: int, total: int) -> None:
    """Progress callback that does nothing."""


@contextmanager
def show_nothing(words: str) -> Iterator[Progress]:
    """Showing that does nothing."""
    yield no_progress


def lines_of(path: Path, progress: Progress = no_progress) -> Iterator[bytes]:
    """Yield the lines without their line ends. Raises EventFileError."""
    return (line for _, line in lines_with_positions(path, progress))


def lines_with_positions(path: Path, progress: Progress = no_progress) -> Iterator[tuple[int, bytes]]:
    """Yield (byte offset, line without its line end). Raises EventFileError."""
    try:
        total = path.stat().st_size
        done = 0
        with path.open("rb") as lines:
            for number, line in enumerate(lines):
                if number % REPORT_EVERY_LINES == 0:
                    progress(done, total)
                yield done, line.rstrip(b"\r\n")
                done += len(line)
        progress(total, total)
    except OSError as error:
        raise EventFileError(f"{path}: cannot be read: {error.strerror}") from None


def events_of(path: Path, latest_timestamp_ms: int | None, progress: Progress = no_progress) -> Iterator[Event]:
    """The events that the job would take from this file. Raises EventFileError."""
    return (event for _, event in admitted(enumerate(lines_of(path, progress), start=1), latest_timestamp_ms))


def admitted(
    numbered_lines: Iterable[tuple[int, bytes]], latest_timestamp_ms: int | None
) -> Iterator[tuple[int, Event]]:
    """The events of lines, each with its line's number; what the job would make a dead letter of is left out."""
    admit = Admission(AdmissionSettings(latest_timestamp_ms=latest_timestamp_ms)).admit
    for number, line in numbered_lines:
        try:
            event = admit(line)
        except BadRecord:
            continue
        yield number, event
